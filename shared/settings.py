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


@cache
def load_settings() -> "Settings":
    """Read and check every setting, once; SettingsError names each wrong one and what it accepts."""
    from pydantic import ValidationError  # noqa: PLC0415 - heavy, so imported on first use

    from shared.settings_model import Settings, problems  # noqa: PLC0415 - heavy, so imported on first use

    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(problems(error)) from None
