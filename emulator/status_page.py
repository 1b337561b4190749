"""The page at `/`: what the service is doing, for people. Shows no key, secret or query of a URL."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from emulator.journal import Delivery
from emulator.links import API_VERSIONS
from emulator.records import Entity, Status, WebHook
from emulator.results import iso_timestamp

if TYPE_CHECKING:
    from emulator.service import Service

ROWS = 50
"""How many rows a table has at most, newest first."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Speech emulator</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0; }}
h2 {{ font-size: 1.1rem; margin: 2rem 0 .3rem; }}
p {{ margin: .2rem 0; }}
.table {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8884; }}
th {{ font-weight: 600; color: #888; }}
td {{ overflow-wrap: break-word; }}
td.whole {{ white-space: nowrap; }}
progress {{ width: 6rem; margin-right: .5rem; }}
.good {{ color: #080; }} .bad {{ color: #c00; }} .busy {{ color: #06c; }} .none {{ color: #888; }}
@media (prefers-color-scheme: dark) {{ .good {{ color: #6c6; }} .bad {{ color: #f77; }} .busy {{ color: #6af; }} }}
</style></head><body><h1>Speech emulator</h1>
<p>{endpoint} &middot; API versions {versions} &middot; engine {engine} &middot; {workers} &middot; {mode}</p>
<p>Time of the service: {now}. {summary}</p>
{tables}</body></html>"""

_CLASSES = {"Succeeded": "good", "Failed": "bad", "Running": "busy", "NotStarted": "none", "yes": "good", "no": "bad"}


_USUAL = {"probability": 1, "after": 0, "after_effect": False}
"""What goes without saying of a fault."""


class Markup(NamedTuple):
    """A cell that is HTML already."""

    html: str


def add_status_page(app: web.Application, service: "Service") -> None:
    """Add the page."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=status_page(service), content_type="text/html")

    app.router.add_get("/", show)


def status_page(service: "Service") -> str:
    """The page as HTML."""
    job_heads = ("kind", "name", "status", "progress", "created", "last action", "API version", "error")
    tables = [
        _table("Jobs", job_heads, (_job(service, noun, job) for noun, job in service.jobs.newest(ROWS))),
        _table("Web hooks", ("name", "URL", "events", "status", "undelivered", "error"), _hooks(service)),
        _table("Deliveries", ("at", "event", "URL", "answers", "delivered"), _deliveries(service)),
        _table("Faults switched on", ("fault", "matched", "struck"), _faults(service)),
    ]
    return _PAGE.format(
        endpoint=escape(service.endpoint),
        versions=", ".join(API_VERSIONS),
        engine=escape(service.settings.engine),
        workers=f"{service.workers} worker{'s' * (service.workers != 1)}",
        mode="strict" if service.settings.strict else "loose",
        now=iso_timestamp(service.clock.now()),
        summary=_summary(service.jobs.counts()),
        tables="\n".join(tables),
    )


def _summary(counts: Counter[Status]) -> str:
    order: Sequence[Status] = ("Running", "NotStarted", "Succeeded", "Failed")
    told = [f"{counts[status]} {status}" for status in order if counts[status]]
    return f"Jobs: {', '.join(told)}." if told else "No jobs yet."


def _job(service: "Service", noun: str, job: Entity) -> Sequence[object]:
    return (
        noun.removesuffix("s"),
        job.display_name,
        job.status,
        _progress(service.jobs.progress(job.id)),
        iso_timestamp(job.created),
        iso_timestamp(job.last_action),
        job.api_version,
        f"{job.error.code}: {job.error.message}" if job.error else "",
    )


def _progress(parts: tuple[int, int] | None) -> Markup | str:
    if not parts:
        return ""
    done, total = parts
    return Markup(f'<progress value="{done}" max="{max(total, 1)}"></progress>{done} of {total}')


def _hooks(service: "Service") -> Iterable[Sequence[object]]:
    for hook in reversed(service.store.all(WebHook)):
        events = ", ".join(event for event, wanted in hook.events.items() if wanted)
        error = hook.error.message if hook.error else ""
        yield hook.display_name, _plain(hook.web_url), events, hook.status, hook.undelivered, error


def _deliveries(service: "Service") -> Iterable[Sequence[object]]:
    for delivery in reversed(service.journal.deliveries):
        tries = ", ".join(str(one) for one in delivery.tries)
        yield iso_timestamp(delivery.at), delivery.event, delivery.url, tries, _outcome(delivery)


def _outcome(delivery: Delivery) -> str:
    if delivery.lost:
        return "lost by a fault"
    return "yes" if delivery.delivered else "no"


def _faults(service: "Service") -> Iterable[Sequence[object]]:
    for state in service.faults.state():
        told = {name: value for name, value in state.items() if name not in {"kind", "matched", "struck"}}
        fault = ", ".join(f"{name}={value}" for name, value in told.items() if value != _USUAL.get(name))
        yield f"{state['kind']}: {fault}", state["matched"], state["struck"]


def _plain(url: str) -> str:
    return url.partition("?")[0]


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in islice(rows, ROWS))
    if not body:
        return f'<h2>{escape(title)}</h2>\n<p class="none">none</p>'
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    return f'<h2>{escape(title)}</h2>\n<div class="table"><table><tr>{head}</tr>\n{body}</table></div>'


def _cell(value: object) -> str:
    if isinstance(value, Markup):
        return f'<td class="whole">{value.html}</td>'
    text = str(value)
    kind = _CLASSES.get(text) or ("whole" if text.endswith("Z") else "")
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"
