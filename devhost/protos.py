"""Stand-ins for the protobuf messages of FunctionRpc.proto, as the worker library's `protos` module.

The library takes its message classes from `request.properties["protos"]`. It only constructs messages by keyword and
reads their fields, so a namespace does; the classes below exist where it asks for more than that.
"""

import sys
from types import SimpleNamespace
from typing import Any


class _OneOf(SimpleNamespace):
    """A message of which exactly one field is set."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the name that protobuf gives it
        """The name of the field that is set; None where none is."""
        return next(iter(vars(self)), None)


class TypedData(_OneOf):
    """One value and its kind: string, bytes, json, http, int, double, or model_binding_data."""

    @property
    def value(self) -> Any:  # noqa: ANN401 - whatever kind it is
        """The value, whatever its kind."""
        return next(iter(vars(self).values()), None)


class ParameterBinding(SimpleNamespace):
    """A named value on its way in or out of a function."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - the name that protobuf gives it
        """Always plain data: shared memory is not offered."""
        return "data"


class StatusResult(SimpleNamespace):
    """Whether a request to the worker succeeded."""

    Failure = 0
    Success = 1


class BindingInfo(SimpleNamespace):
    """What the worker compares a binding's direction and data type with."""

    undefined = 0
    out = 1
    inout = 2


class RpcException(SimpleNamespace):
    """An exception's text and trace. The library makes it while it handles the exception, so that is kept too."""

    def __init__(self, **fields: str) -> None:
        super().__init__(**fields, exception=sys.exception())


class RpcHttpCookie(SimpleNamespace):
    """A cookie that a function sets."""

    SameSite = SimpleNamespace(**{"None": None}, Lax="Lax", Strict="Strict", ExplicitNone="None")


FunctionLoadResponse = FunctionMetadataResponse = InvocationResponse = WorkerInitResponse = SimpleNamespace
RpcFunctionMetadata = RpcRetryOptions = WorkerMetadata = SimpleNamespace
ModelBindingData = RpcHttp = SimpleNamespace
NullableBool = NullableDouble = NullableString = NullableTimestamp = Timestamp = SimpleNamespace
