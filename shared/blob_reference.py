"""The blob trigger's parameter: the address of the blob that fired it, never its content.

A `func.InputStream` would carry the whole audio file (up to 1 GB) through the worker's memory. This is an SDK-type
("deferred") binding, for which the host sends only connection, container and name. Microsoft's own package for it
imports the storage SDK when the app is indexed, which costs more than all other imports together.
"""

import json
from typing import Any

from azurefunctions.extensions import base


class BlobReference(base.SdkType):  # type: ignore[misc]  # the package ships no types
    """Container and name of the blob that fired a trigger."""

    def __init__(self, *, container: str, name: str) -> None:
        super().__init__()
        self.container = container
        self.name = name

    def get_sdk_type(self) -> "BlobReference":
        """Return the object itself: there is no client behind it."""
        return self


class BlobReferenceConverter(base.InConverter, binding="blob", trigger="blobTrigger"):  # type: ignore[misc,call-arg]  # the same
    """Decodes the host's model binding data into a BlobReference."""

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        """Whether a parameter annotated so is served by this converter."""
        return issubclass(pytype, BlobReference)

    @classmethod
    def decode(cls, data: Any, *, trigger_metadata: Any, pytype: Any) -> BlobReference | None:  # noqa: ARG003, ANN401 - the base class's signature
        """Read `ContainerName` and `BlobName` from the binding data that the host's blob extension sends."""
        if data is None or data.type is None:
            return None
        content = json.loads(data.value.content)
        return BlobReference(container=content["ContainerName"], name=content["BlobName"])

    @classmethod
    def has_implicit_output(cls) -> bool:
        """A blob trigger has no implicit output."""
        return False
