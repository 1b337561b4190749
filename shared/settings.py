"""Reading the settings: the only module that touches the environment, light enough to import when the app is indexed.

The settings themselves (names, types, defaults, meanings) stand in `shared.settings_model`, which needs pydantic and is
therefore imported on first use.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

from shared.errors import SettingsError

if TYPE_CHECKING:
    from shared.settings_model import Settings


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
    return tuple(secret for name in names if (secret := os.environ.get(name)))


@cache
def load_settings() -> "Settings":
    """Read and check every setting, once; SettingsError names each wrong one and what it accepts."""
    from pydantic import ValidationError  # noqa: PLC0415 - heavy, so imported on first use

    from shared.settings_model import Settings, problems  # noqa: PLC0415 - heavy, so imported on first use

    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(problems(error)) from None
