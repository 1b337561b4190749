"""Authorizations to copy a model to another resource (definition ModelCopyAuthorization).

The target's resource gives one out; nobody keeps it, as its id is a signature over the rest.
"""

import hmac
import re
from datetime import datetime, timedelta

from emulator.app import Call
from emulator.errors import ApiError, invalid_request
from emulator.payloads.models import ModelCopyAuthorization
from emulator.results import Json, iso_timestamp
from emulator.signatures import copy_authorization

LIFETIME = timedelta(hours=24)
REGION = "local"
_RESOURCE_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+", re.IGNORECASE
)
_RESOURCE = "/subscriptions/{}/resourceGroups/emulator/providers/Microsoft.CognitiveServices/accounts/emulator"


def authorize(call: Call, source: str, now: datetime) -> Json:
    """Allow the resource `source` to copy models to the call's subscription; raises ApiError where it can be none."""
    if call.strict and not _RESOURCE_ID.fullmatch(source):
        message = "This is not the Azure resource id of a Speech resource."
        raise invalid_request("InvalidSourceAzureResourceId", message, target="sourceResourceId")
    target, expires = _RESOURCE.format(call.subscription), iso_timestamp(now + LIFETIME)
    return {
        "targetResourceRegion": REGION,
        "targetResourceId": target,
        "targetResourceEndpoint": call.links.url("models"),
        "sourceResourceId": source,
        "expirationDateTime": expires,
        "id": copy_authorization(call.links.url_key, target, source, expires),
    }


def target_of(call: Call, given: ModelCopyAuthorization, now: datetime) -> str:
    """The subscription that authorized a copy; raises ApiError (403) where none did, or its time is over."""
    genuine = copy_authorization(
        call.links.url_key, given.target_resource_id, given.source_resource_id, given.expiration_date_time
    )
    target = re.fullmatch(_RESOURCE.format(r"(\w+)"), given.target_resource_id)
    if not target or not hmac.compare_digest(genuine.encode(), given.id.encode()):
        raise ApiError(403, "Forbidden", "The authorization is not one of the target resource.", inner="Forbidden")
    if datetime.fromisoformat(given.expiration_date_time) <= now:
        raise ApiError(403, "Forbidden", "The authorization has expired.", inner="ModelCopyAuthorizationExpired")
    return target[1]
