"""Reading the settings: the only module that touches the environment, light enough to import when the app is indexed.

The settings themselves (names, types, defaults, meanings) stand in `shared.settings_model`, which needs pydantic and is
therefore imported on first use.
"""

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.errors import SettingsError

if TYPE_CHECKING:
    from shared.settings_model import Settings


UNRESOLVED_REFERENCE = "@Microsoft.KeyVault("
"""How a setting begins whose secret the platform could not read from Key Vault: it hands over the reference itself.

Such a text is no secret and must not act as one.
(https://learn.microsoft.com/azure/app-service/app-service-key-vault-references)
"""


def blob_trigger_source() -> str:
    """`EventGrid` or `LogsAndContainerScan`: how blob events reach the app (setting BLOB_TRIGGER_SOURCE).

    The blob trigger's decorator needs it while the app is indexed. A value that is neither is reported by
    `load_settings`; indexing goes on with the default so that the app can start and say so.
    """
    value = os.environ.get("BLOB_TRIGGER_SOURCE", "EventGrid")
    return value if value in {"EventGrid", "LogsAndContainerScan"} else "EventGrid"


def webhook_secrets() -> tuple[str, ...]:
    """The secrets that sign notifications: the current one and, while it is being changed, the previous one.

    Read apart from the other settings, so that notifications are answered within milliseconds of a cold start, and
    refused for what they are even where another setting is wrong.
    """
    names = ("WEBHOOK_SECRET", "WEBHOOK_PREVIOUS_SECRET")
    values = (os.environ.get(name) for name in names)
    return tuple(value for value in values if value and not value.startswith(UNRESOLVED_REFERENCE))


@dataclass(frozen=True, slots=True)
class ApplicationInsights:
    """Where telemetry goes to."""

    connection_string: str
    trace_ratio: float
    """Share of the traces that is kept, 0 to 1."""
    role: str
    """The app's name in the application map, the same as the host's."""


def application_insights() -> ApplicationInsights | None:
    """Where telemetry goes to; None where no connection string is set.

    Read apart from the other settings, so that an app of which another setting is wrong can tell so. A ratio that is
    wrong itself is reported by `load_settings`; until then all traces are kept.
    """
    connection_string = os.environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING")
    if not connection_string:
        return None
    try:
        ratio = min(1.0, max(0.0, float(os.environ.get("TRACE_RATIO") or 1)))
    except ValueError:
        ratio = 1.0
    return ApplicationInsights(connection_string, ratio, os.environ.get("WEBSITE_SITE_NAME") or "dropscribe")


@cache
def load_settings() -> "Settings":
    """Read and check every setting, once; SettingsError names each wrong one and what it accepts."""
    from pydantic import ValidationError  # noqa: PLC0415 - heavy, so imported on first use

    from shared.settings_model import Settings, problems  # noqa: PLC0415 - heavy, so imported on first use

    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(problems(error)) from None
