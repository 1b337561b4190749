"""The noun Endpoints: deployed models, and the logs of what was said to them."""

import base64
import binascii
import contextlib
import re
from datetime import date, datetime

from aiohttp import web

from emulator.app import Call, answer
from emulator.content_logs import ContentLogs, base_model_owner, is_log_id
from emulator.errors import ApiError, invalid_argument, invalid_request, not_found
from emulator.links import base_model_id
from emulator.paging import TOP_LIMIT
from emulator.payloads.common import EntityReference
from emulator.payloads.endpoints import DatedEndpointCreate, EndpointCreate, EndpointProperties, EndpointUpdate
from emulator.quotas import DEPLOYMENTS_LIMIT
from emulator.records import Endpoint, EntityFile, ModelPath
from emulator.resources.entities import EntitiesWithFiles, Parts
from emulator.results import Json, iso_timestamp
from emulator.short_audio.operation import MODES

WEB_SOCKET_PATH = "/speech/universal/v2"


class Endpoints(EntitiesWithFiles[Endpoint]):
    """Operations Endpoints_*; the files of an endpoint are its logs."""

    kind = Endpoint
    noun = "endpoints"
    title = "endpoint"
    create_payload = EndpointCreate
    update_payload = EndpointUpdate

    def __init__(self, parts: Parts, logs: ContentLogs) -> None:
        super().__init__(parts)
        self._logs = logs

    async def create(self, call: Call) -> web.Response:
        """Operation Endpoints_Create: without a model it is the base model of the locale that is deployed."""
        payload = await call.payload(DatedEndpointCreate if call.links.dated else EndpointCreate)
        self.check_locale(payload.locale)
        self.check_quota(call, DEPLOYMENTS_LIMIT)
        endpoint = Endpoint.model_validate(
            self.common_fields(call, payload)
            | {
                "project": self.project_of(call, payload.project),
                "locale": payload.locale,
                "model": self._deployable(call, payload.model, payload.locale),
                "text": payload.text if isinstance(payload, EndpointCreate) else None,
                "properties": EndpointProperties.model_validate(payload.properties.model_dump()),
            }
        )
        return self.begin(call, endpoint)

    async def update(self, call: Call) -> web.Response:
        """Operation Endpoints_Update: another model is deployed as the first one was, which works until then.

        The model that it has is deployed again where that had failed.
        """
        payload = await call.patch(EndpointUpdate, EndpointCreate)
        endpoint = self.found(call)
        model, deployed_again = endpoint.model, False
        if "model" in payload.model_fields_set:
            model = self._deployable(call, payload.model, endpoint.locale)
            deployed_again = model != endpoint.model or endpoint.status == "Failed"
        if deployed_again and not endpoint.finished:
            message = f"The endpoint is {endpoint.status}; its model can be changed when it has finished."
            raise ApiError(409, "Conflict", message, inner="EndpointNotUpdatable")
        self.patch(call, endpoint, payload)
        if payload.properties and "content_logging_enabled" in payload.properties.model_fields_set:
            endpoint.properties.logging_enabled = bool(payload.properties.content_logging_enabled)
        if deployed_again:
            endpoint.model, endpoint.status, endpoint.error = model, "NotStarted", None
            endpoint.last_action = self._clock.now()
        self._store.put(endpoint)
        if deployed_again:
            self._jobs.start(endpoint)
        return self.one(call, endpoint)

    async def list_logs(self, call: Call) -> web.Response:
        """Operation Endpoints_ListLogs; refused where the endpoint keeps none and has none."""
        endpoint = self._logging(call)
        return self._log_list(call, endpoint.id, f"endpoints/{endpoint.id}")

    async def get_log(self, call: Call) -> web.Response:
        """Operation Endpoints_GetLog."""
        endpoint = self.found(call)
        return self._log(call, endpoint.id, f"endpoints/{endpoint.id}")

    async def delete_logs(self, call: Call) -> web.Response:
        """Operation Endpoints_DeleteLogs: they are gone with the answer."""
        self._logs.delete_until(self._logging(call).id, _end_date(call))
        return answer(status=202)

    async def delete_log(self, call: Call) -> web.Response:
        """Operation Endpoints_DeleteLog: 204 also for one that is not there."""
        self._logs.delete(self.found(call).id, _log_id(call))
        return answer(status=204)

    async def list_base_model_logs(self, call: Call) -> web.Response:
        """Operation Endpoints_ListBaseModelLogs."""
        locale = self._log_locale(call)
        return self._log_list(call, base_model_owner(call.subscription, locale), f"endpoints/base/{locale}")

    async def get_base_model_log(self, call: Call) -> web.Response:
        """Operation Endpoints_GetBaseModelLog."""
        locale = self._log_locale(call)
        return self._log(call, base_model_owner(call.subscription, locale), f"endpoints/base/{locale}")

    async def delete_base_model_logs(self, call: Call) -> web.Response:
        """Operation Endpoints_DeleteBaseModelLogs: they are gone with the answer."""
        self._logs.delete_until(base_model_owner(call.subscription, self._log_locale(call)), _end_date(call))
        return answer(status=202)

    async def delete_base_model_log(self, call: Call) -> web.Response:
        """Operation Endpoints_DeleteBaseModelLog: 204 also for one that is not there."""
        self._logs.delete(base_model_owner(call.subscription, self._log_locale(call)), _log_id(call))
        return answer(status=204)

    def show(self, call: Call, entity: Endpoint) -> Json:
        """An endpoint as definition Endpoint has it."""
        left_out = {"time_to_live", "email"} if call.links.dated else {"email"} if entity.finished else set()
        properties = entity.properties.model_dump(by_alias=True, exclude_none=True, exclude=left_out)
        if entity.error:
            properties["error"] = entity.error.model_dump()
        body = super().show(call, entity) | {
            "model": {"self": call.links.url("models", entity.model)},
            "links": _links(call, entity),
            "properties": properties,
            "locale": entity.locale,
        }
        return body if entity.text is None or call.links.dated else {**body, "text": entity.text}

    def _deployable(self, call: Call, reference: EntityReference | None, locale: str) -> ModelPath:
        """The model to deploy; the base model of the locale where none is named."""
        if reference is None:
            return f"base/{base_model_id(locale)}"
        return self._models.referenced(call, reference, locale=locale, target="model", use="deployment")

    def _logging(self, call: Call) -> Endpoint:
        """The endpoint, which keeps logs or has some."""
        endpoint = self.found(call)
        if not endpoint.properties.logging_enabled and not self._logs.all(endpoint.id):
            message = "The endpoint has no logs, as its logging is not enabled."
            raise invalid_request("EndpointWithoutLogging", message)
        return endpoint

    def _log_locale(self, call: Call) -> str:
        locale = call.request.match_info["locale"]
        self.check_locale(locale)
        return locale

    def _log_list(self, call: Call, owner: str, path: str) -> web.Response:
        """The page of logs that follows `skipToken`."""
        expires = self.expiry(call)
        top, last = _top(call), _skip_token(call)
        logs = [log for log in self._logs.all(owner) if log.id > last]
        body: Json = {"values": [_show_log(call, log, path, expires) for log in logs[:top]]}
        if len(logs) > top:
            token = base64.urlsafe_b64encode(logs[top - 1].id.encode()).decode()
            following = call.request.rel_url.update_query(skipToken=token, top=str(top))
            body["@nextLink"] = call.links.endpoint + str(following)
        return answer(body)

    def _log(self, call: Call, owner: str, path: str) -> web.Response:
        expires = self.expiry(call)
        log = self._logs.find(owner, _log_id(call))
        if not log:
            raise not_found("There is no log with this id.")
        return answer(_show_log(call, log, path, expires))


def _links(call: Call, endpoint: Endpoint) -> Json:
    """Definition EndpointLinks; the versions named by their date have a web socket alone."""
    service = call.links.endpoint
    if call.links.dated:
        return {"webSocket": f"{service.replace('http', 'ws', 1)}{WEB_SOCKET_PATH}?cid={endpoint.id}"}
    links: Json = {"logs": call.links.url("endpoints", endpoint.id, "files", "logs")}
    for mode in MODES:
        path = f"{mode.path}?cid={endpoint.id}"
        links[f"rest{mode.name.capitalize()}"] = service + path
        links[f"webSocket{mode.name.capitalize()}"] = service.replace("http", "ws", 1) + path
    return links


def _show_log(call: Call, log: EntityFile, path: str, expires: datetime) -> Json:
    """A log as definition File has it."""
    return {
        "self": call.links.url(path, "files", "logs", log.id),
        "name": log.name,
        "kind": log.kind,
        "properties": {"size": log.size},
        "createdDateTime": iso_timestamp(log.created),
        "links": {"contentUrl": call.links.content(log.id, expires)},
    }


def _log_id(call: Call) -> str:
    log_id = call.request.match_info["logId"]
    if not is_log_id(log_id):
        raise invalid_argument("InvalidLogId", "This is not the id of a log; see the list of logs.", target="logId")
    return log_id


def _top(call: Call) -> int:
    text = call.request.query.get("top", str(TOP_LIMIT))
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise invalid_argument("InvalidTopForLogs", "The parameter top must be an integer of at least 1.", target="top")
    return min(int(text), TOP_LIMIT)


def _skip_token(call: Call) -> str:
    """The id of the log that the page before ended with; empty for the first page."""
    token = call.request.query.get("skipToken")
    if not token:
        return ""
    try:
        last = base64.urlsafe_b64decode(token).decode("ascii")
    except (binascii.Error, ValueError):
        last = ""
    if not is_log_id(last):
        message = "The skip token must be one that a page of logs has in its @nextLink."
        raise invalid_argument("InvalidSkipTokenForLogs", message, target="skipToken")
    return last


def _end_date(call: Call) -> date | None:
    text = call.request.query.get("endDate")
    if text is None:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(text)
    raise invalid_argument("InvalidLogDate", "endDate must be a day such as 2026-01-31.", target="endDate")
