"""The noun Datasets: data to adapt models with and to test them on, and how it is uploaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args
from uuid import uuid4

from aiohttp import web

from emulator.app import Call, answer
from emulator.datasets.blocks import BLOCK_LIMIT, blocks_in, new_block_path
from emulator.datasets.form import read_upload
from emulator.datasets.importing import DATA, SIZE_LIMITS
from emulator.errors import ApiError, invalid_argument, invalid_request
from emulator.filters import Value
from emulator.payloads.common import read_payload
from emulator.payloads.datasets import (
    CommitBlocksEntry,
    DatasetCreate,
    DatasetKind,
    DatasetUpdate,
    DatedDatasetCreate,
)
from emulator.quotas import DATASETS_LIMIT
from emulator.records import Block, Content, CustomModel, Dataset, Evaluation, Transcription
from emulator.resources.entities import FILTERS, EntitiesWithFiles, Filters
from emulator.results import Json, shown_duration

FILTER: Filters = {**FILTERS, "kind": str}


class Datasets(EntitiesWithFiles[Dataset]):
    """Operations Datasets_*."""

    kind = Dataset
    noun = "datasets"
    title = "dataset"
    needed_by = (CustomModel, Evaluation, Transcription)
    filters = FILTER
    create_payload = DatasetCreate
    update_payload = DatasetUpdate

    async def list_supported_locales(self, call: Call) -> web.Response:
        """Operation Datasets_ListSupportedLocales: kinds by locale, since 2024-11-15 locales by kind."""
        kinds, locales = list(get_args(DatasetKind)), list(self._locales)
        return answer(dict.fromkeys(kinds, locales) if call.links.dated else dict.fromkeys(locales, kinds))

    async def create(self, call: Call) -> web.Response:
        """Operation Datasets_Create: from a URL, or one that waits for its blocks."""
        payload = await call.payload(DatedDatasetCreate if call.links.dated else DatasetCreate)
        dataset = self._new(call, payload)
        dataset.in_blocks = payload.content_url is None
        return self.begin(call, dataset, Content(urls=[payload.content_url]) if payload.content_url else None)

    async def upload(self, call: Call) -> web.Response:
        """Operation Datasets_Upload: the data comes with the request."""
        upload = self._store.downloads / str(uuid4())
        try:
            limit = max(SIZE_LIMITS.values())
            fields = await read_upload(call.request, upload, limit=limit, strict=call.strict)
            payload = read_payload(DatasetCreate, fields, strict=call.strict)
            dataset = self._new(call, payload)
            if upload.stat().st_size > SIZE_LIMITS[dataset.kind]:
                message = f"Data of kind {dataset.kind} has at most {SIZE_LIMITS[dataset.kind]:,} bytes."
                raise ApiError(413, "InvalidRequest", message, inner="InvalidPayload", target="data")
            folder = self._store.folder(dataset.id)
            folder.mkdir()
            upload.rename(folder / DATA)
        finally:
            upload.unlink(missing_ok=True)
        return self.begin(call, dataset)

    async def get_blocks(self, call: Call) -> web.Response:
        """Operation Datasets_GetBlocks; a dataset that is not uploaded in blocks has none."""
        dataset = self.found(call)
        uncommitted = blocks_in(self._store.folder(dataset.id)) if dataset.waiting else []
        body = {
            "committedBlocks": [block.model_dump() for block in dataset.committed],
            "uncommittedBlocks": [block.model_dump() for block in uncommitted],
        }
        return answer(body, headers={"Retry-After": self.retry_after(dataset)})

    async def upload_block(self, call: Call) -> web.Response:
        """Operation Datasets_UploadBlock, in place of an uncommitted block with the same id."""
        path = self._block_path(call)
        if call.strict and call.request.content_type != "application/octet-stream":
            raise ApiError(415, "UnsupportedMediaType", "The content type must be application/octet-stream.")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{uuid4()}.part")
        try:
            await _store_block(call.request, part)
            self._block_path(call)  # it may have been committed or deleted meanwhile
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return answer(status=201)

    async def commit_blocks(self, call: Call) -> web.Response:
        """Operation Datasets_CommitBlocks: ends the upload, and the import begins."""
        body = await call.json()
        if not isinstance(body, list):
            raise invalid_request("InvalidPayload", "The body must be a list of blocks.")
        entries = [read_payload(CommitBlocksEntry, entry, strict=call.strict) for entry in body]
        dataset = self._waiting(call)
        dataset.committed = self._committed(dataset, entries)
        self._store.put(dataset)
        self._jobs.start(dataset)
        return answer()

    def show(self, call: Call, entity: Dataset) -> Json:
        """A dataset as definition Dataset has it; the URL of its data without its query."""
        body = super().show(call, entity) | {
            "kind": entity.kind,
            "locale": entity.locale,
            "links": self._links(call, entity),
            "properties": _properties(entity, dated=call.links.dated),
        }
        if urls := self._store.content(entity.id).without_queries().urls:
            body["contentUrl"] = urls[0]
        return body

    def _links(self, call: Call, entity: Dataset) -> Json:
        links: Json = {"files": call.links.url(self.noun, entity.id, "files")}
        if entity.in_blocks:
            blocks = call.links.url(self.noun, entity.id, "blocks")
            commit = call.links.url(self.noun, entity.id, "blocks:commit")
            links |= {"commitBlocks": commit, "listBlocks": blocks, "uploadBlocks": blocks}
        return links

    def values(self, entity: Dataset) -> Mapping[str, Value]:
        """What a filter may ask for, by name."""
        return {**super().values(entity), "kind": entity.kind}

    def check_deletable(self, entity: Dataset) -> None:
        """Raise ApiError while the dataset is imported or used; one that waits for its blocks can go."""
        if not entity.waiting:
            super().check_deletable(entity)

    def _waiting(self, call: Call) -> Dataset:
        dataset = self.found(call)
        if not dataset.waiting:
            raise ApiError(409, "Conflict", "The dataset does not wait for blocks.", inner="InvalidDataset")
        return dataset

    def _block_path(self, call: Call) -> Path:
        """Where the block that the call names is to lie; raises ApiError where it cannot be uploaded."""
        folder = self._store.folder(self._waiting(call).id)
        try:
            return new_block_path(folder, call.request.query.get("blockid", ""))
        except ValueError as error:
            raise invalid_argument("InvalidParameterValue", str(error), target="blockid") from None

    def _committed(self, dataset: Dataset, entries: list[CommitBlocksEntry]) -> list[Block]:
        """The blocks that a commit names; raises ApiError where they cannot be the data."""
        if not entries:
            raise invalid_request("MissingInputRecords", "At least one block is needed.")
        uploaded = {block.name: block for block in blocks_in(self._store.folder(dataset.id))}
        for entry in entries:
            if entry.kind == "Committed" or entry.id not in uploaded:
                raise invalid_request("InvalidPayload", f"There is no such block: {entry.kind} {entry.id!r}.")
        blocks = [uploaded[entry.id] for entry in entries]
        if sum(block.size for block in blocks) > SIZE_LIMITS[dataset.kind]:
            message = f"Data of kind {dataset.kind} has at most {SIZE_LIMITS[dataset.kind]:,} bytes."
            raise invalid_request("QuotaViolation", message)
        return blocks

    def _new(self, call: Call, payload: DatasetCreate) -> Dataset:
        self.check_locale(payload.locale)
        self.check_quota(call, DATASETS_LIMIT)
        return Dataset.model_validate(
            self.common_fields(call, payload)
            | {
                "project": self.project_of(call, payload.project),
                "kind": payload.kind,
                "locale": payload.locale,
                **_given(payload),
            }
        )


async def _store_block(request: web.Request, to: Path) -> None:
    size = 0
    with to.open("xb") as file:
        async for chunk in request.content.iter_any():
            size += file.write(chunk)
            if size > BLOCK_LIMIT:
                raise ApiError(413, "InvalidRequest", "A block is at most 8 MiB.", inner="InvalidPayload")
    if not size:
        raise invalid_request("EmptyRequest", "The block is empty.")


def _given(payload: DatasetCreate) -> Json:
    """What the properties say."""
    if isinstance(payload, DatedDatasetCreate):
        return {"text_normalization": payload.properties.text_normalization_kind} if payload.properties else {}
    return {"email": payload.properties.email} if payload.properties else {}


def _properties(dataset: Dataset, *, dated: bool) -> Json:
    properties: Json = {
        "acceptedLineCount": dataset.accepted_line_count or 0,
        "rejectedLineCount": dataset.rejected_line_count or 0,
    }
    if dated:
        properties["textNormalizationKind"] = dataset.text_normalization
    if dataset.duration_ticks is not None:
        properties |= shown_duration(dataset.duration_ticks, dated=dated)
    if dataset.email and not (dated or dataset.finished):
        properties["email"] = dataset.email
    if dataset.error:
        properties["error"] = dataset.error.model_dump()
    return properties
