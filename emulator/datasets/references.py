"""Which dataset a reference means."""

from collections.abc import Collection

from emulator.app import Call
from emulator.errors import invalid_request
from emulator.links import id_in
from emulator.payloads.common import EntityReference
from emulator.payloads.datasets import DatasetKind
from emulator.records import Dataset
from emulator.store import Store


def referenced_dataset(
    call: Call,
    store: Store,
    reference: EntityReference,
    *,
    kinds: Collection[DatasetKind],
    locale: str,
    target: str,
) -> Dataset:
    """The dataset that a field of a body (`target`) refers to, for an entity of `locale` that takes these kinds.

    Raises ApiError (400): `FailedDataset` where it is Failed, `InvalidDataset` for all else that is wrong with it.
    """
    dataset_id = id_in(reference.url, "datasets")
    dataset = store.get(Dataset, dataset_id) if dataset_id else None
    if not dataset or dataset.subscription != call.subscription:
        raise invalid_request("InvalidDataset", "There is no such dataset.", target=target)
    if dataset.status == "Failed":
        raise invalid_request("FailedDataset", "The dataset is Failed.", target=target)
    if dataset.status != "Succeeded":
        raise invalid_request("InvalidDataset", f"The dataset is {dataset.status}.", target=target)
    if dataset.locale != locale:
        message = f"The dataset is of the locale {dataset.locale!r}, and not of {locale!r}."
        raise invalid_request("InvalidDataset", message, target=target)
    if dataset.kind not in kinds:
        message = f"The dataset is of the kind {dataset.kind}; wanted is {' or '.join(kinds)}."
        raise invalid_request("InvalidDataset", message, target=target)
    return dataset
