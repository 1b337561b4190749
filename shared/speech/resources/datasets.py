# ruff: noqa: A002 - filter is the service's name for it
"""Datasets: text and audio that models are adapted with and tested on (operations Datasets_*)."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta

from shared.speech.paging import Paged
from shared.speech.resources.resource import (
    FilterLike,
    Resource,
    create_body,
    json_bytes,
    json_object,
    texts,
    update_body,
)
from shared.speech.types.datasets import (
    BlockKind,
    CommitBlocksEntry,
    Dataset,
    DatasetKind,
    DatasetUpdate,
    NewDataset,
    UploadedBlocks,
)
from shared.speech.types.files import File
from shared.speech.uploads import (
    LARGEST_BLOCK_BYTES,
    BlockBody,
    BlockedFile,
    MultipartBody,
    UploadProgress,
    UploadSource,
    block_id,
    opened,
    source_name,
)


class Datasets(Resource):
    """`client.datasets`."""

    def create(self, dataset: NewDataset, *, find: FilterLike | None = None) -> Dataset:
        """Create a dataset from a URL, or one that waits for its blocks if it has none (Datasets_Create).

        Sent again only when it is certain that it took no effect. `find`, a filter that matches nothing but what is
        created, looks for what may be there after any other failure; it is created once more if it is not.
        """
        return self._create("Datasets_Create", "Datasets_List", Dataset, dataset, find=find)

    def upload(
        self,
        dataset: NewDataset,
        data: UploadSource,
        *,
        filename: str | None = None,
        on_progress: UploadProgress | None = None,
    ) -> Dataset:
        """Create a dataset with the content of a file in one request (Datasets_Upload).

        Memory stays constant. `filename` is what the service is told, the file's own name if it is not given.
        UnsupportedOperation in versions after 3.2: use upload_in_blocks there. Sent again only when it is certain that
        it took no effect. ValueError for a dataset with a content URL and for a file that is not seekable.
        """
        fields = _form_fields(dataset)
        with opened(data) as file:
            name = filename or source_name(data)
            form = MultipartBody(fields, file_field="data", filename=name, file=file, on_progress=on_progress)
            answer = self._send("Datasets_Upload", content=form, content_type=form.content_type)
        return self._entity(Dataset, answer)

    def get(self, dataset_id: str) -> Dataset:
        """One dataset (Datasets_Get). NotFound if there is none."""
        return self._entity(Dataset, self._call("Datasets_Get", dataset_id))

    def list(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Dataset]:
        """All datasets (Datasets_List), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status, locale and kind.
        """
        return self._list("Datasets_List", Dataset, query={"skip": skip, "top": top, "filter": filter})

    def update(self, dataset_id: str, update: DatasetUpdate) -> Dataset:
        """Change name, description, project or custom properties (Datasets_Update)."""
        return self._entity(Dataset, self._call("Datasets_Update", dataset_id, body=update_body(update)))

    def delete(self, dataset_id: str) -> None:
        """Delete a dataset; one that does not exist is no error (Datasets_Delete)."""
        self._call("Datasets_Delete", dataset_id)

    def get_blocks(self, dataset_id: str) -> UploadedBlocks:
        """The blocks that were uploaded so far (Datasets_GetBlocks)."""
        return self._entity(UploadedBlocks, self._call("Datasets_GetBlocks", dataset_id))

    def upload_block(self, dataset_id: str, block_id: str, content: bytes) -> None:
        """Upload a block of at most 8 MiB (Datasets_UploadBlock), in place of one with this id.

        `block_id` is Base64 of at most 64 bytes, of the same length for all blocks of a dataset.
        """
        self._send("Datasets_UploadBlock", dataset_id, query={"blockid": block_id}, content=BlockBody(content))

    def commit_blocks(self, dataset_id: str, blocks: Sequence[CommitBlocksEntry]) -> None:
        """End the upload: these blocks, in this order, are the content (Datasets_CommitBlocks).

        Sent again only when it is certain that it took no effect.
        """
        content = json_bytes([create_body(block) for block in blocks])
        self._send("Datasets_CommitBlocks", dataset_id, content=content, content_type="application/json")

    def upload_in_blocks(
        self,
        dataset_id: str,
        data: UploadSource,
        *,
        block_bytes: int = LARGEST_BLOCK_BYTES,
        threads: int = 4,
        on_progress: UploadProgress | None = None,
    ) -> Dataset:
        """Upload a file to a dataset that was created without a URL, some blocks at once (Datasets_UploadBlock).

        Ends with Datasets_CommitBlocks. After a failure, or in another process, call it again with the same file:
        blocks that the service has are not sent twice, since their ids tell their content. Memory is `threads` blocks.
        ValueError for an empty file and for one that is not seekable.
        """
        uploaded = self.get_blocks(dataset_id)
        committed = [block.name for block in uploaded.committed_blocks or ()]
        known = {*committed, *(block.name for block in uploaded.uncommitted_blocks or ())}

        with opened(data) as file:
            blocks = BlockedFile(file, block_bytes)

            def send(index: int) -> tuple[str, int]:
                content = blocks.read(index)
                name = block_id(index, content)
                if name not in known:
                    self.upload_block(dataset_id, name, content)
                return name, len(content)

            names = _in_parallel(send, blocks, threads, on_progress)
        if names != committed:
            self.commit_blocks(dataset_id, [CommitBlocksEntry(kind=BlockKind.LATEST, id=name) for name in names])
        return self.get(dataset_id)

    def list_files(
        self,
        dataset_id: str,
        *,
        sas_validity: timedelta | None = None,
        filter: FilterLike | None = None,
        skip: int | None = None,
        top: int | None = None,
    ) -> Paged[File]:
        """Files of a dataset, in no order (Datasets_ListFiles); their URLs are valid for 12 h by default.

        `filter` knows name, kind and created_date_time.
        """
        return self._list_files("Datasets_ListFiles", dataset_id, sas_validity, skip=skip, top=top, filter=filter)

    def get_file(self, dataset_id: str, file_id: str, *, sas_validity: timedelta | None = None) -> File:
        """One file of a dataset with a new URL (Datasets_GetFile)."""
        return self._file("Datasets_GetFile", dataset_id, file_id, sas_validity)

    def list_supported_locales(self) -> Mapping[str, Sequence[DatasetKind]]:
        """Locales, and the kinds of datasets that each allows (Datasets_ListSupportedLocales)."""
        answer = self._call("Datasets_ListSupportedLocales")
        lists = {key: texts(value, answer) for key, value in json_object(answer).items()}
        return {key: [DatasetKind(kind) for kind in kinds] for key, kinds in _by_locale(lists).items()}

    def wait(
        self, dataset_id: str, *, timeout_seconds: float, on_progress: Callable[[Dataset], object] | None = None
    ) -> Dataset:
        """The dataset once its import has Succeeded or Failed; `on_progress` sees each state it was seen in.

        WaitTimeout if it is not finished `timeout_seconds` later.
        """
        return self._wait("Datasets_Get", Dataset, dataset_id, timeout_seconds=timeout_seconds, on_progress=on_progress)


def _form_fields(dataset: NewDataset) -> dict[str, str]:
    """The dataset as fields of the form of Datasets_Upload. ValueError for what the form has no field for."""
    body = create_body(dataset)
    properties = body.pop("properties", {})
    if "project" in body:
        body["project"] = body["project"]["self"]
    if "customProperties" in body:
        body["customProperties"] = json_bytes(body["customProperties"]).decode()
    if "email" in properties:
        body["email"] = properties.pop("email")
    unfit = [*properties, *({"contentUrl"} & set(body))]
    if unfit:
        raise ValueError(f"a dataset that is uploaded directly has no {', '.join(unfit)}")
    return body


def _by_locale(lists: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Kinds by locale, as v3.1 specifies it; newer versions list locales by kind."""
    if not set(lists) <= set(DatasetKind):
        return lists
    locales = dict.fromkeys(locale for listed in lists.values() for locale in listed)
    return {locale: [kind for kind, listed in lists.items() if locale in listed] for locale in locales}


def _in_parallel(
    send: Callable[[int], tuple[str, int]], blocks: BlockedFile, threads: int, on_progress: UploadProgress | None
) -> list[str]:
    """The ids of all blocks once `send` has dealt with each; after its first error no other block is begun."""
    names = [""] * len(blocks)
    done = 0
    stopped = threading.Event()

    def attempt(index: int) -> tuple[int, str, int] | None:
        if stopped.is_set():
            return None
        try:
            return index, *send(index)
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(threads) as pool:
        try:
            for future in as_completed([pool.submit(attempt, index) for index in range(len(blocks))]):
                if sent := future.result():
                    index, names[index], size = sent
                    done += size
                    if on_progress:
                        on_progress(done, blocks.size)
        finally:
            stopped.set()
    return names
