"""The page at `/`: what the service is doing, for people. Shows no key, secret or query of a URL."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from aiohttp import web

from emulator.records import Transcription, WebHook
from emulator.results import iso_timestamp

if TYPE_CHECKING:
    from emulator.service import Service

ROWS = 50
"""How many rows a table has at most, newest first."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Speech emulator</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; }}
table {{ border-collapse: collapse; margin-bottom: 1.5rem; }}
th, td {{ text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid #ddd; }}
</style></head><body><h1>Speech emulator</h1>
<p>{base}, engine {engine}, {workers} workers, {mode}. Time of the service: {now}.</p>
{tables}</body></html>"""


def add_status_page(app: web.Application, service: "Service") -> None:
    """Add the page."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=status_page(service), content_type="text/html")

    app.router.add_get("/", show)


def status_page(service: "Service") -> str:
    """The page as HTML."""
    tables = [
        _table("Transcriptions", ("name", "status", "files", "created", "last action", "error"), _jobs(service)),
        _table("Web hooks", ("name", "URL", "status", "undelivered", "error"), _hooks(service)),
        _table("Deliveries", ("at", "event", "URL", "tries", "delivered"), _deliveries(service)),
        _table("Faults", ("fault", "matched", "struck"), _faults(service)),
    ]
    return _PAGE.format(
        base=escape(service.links.base),
        engine=escape(service.settings.engine),
        workers=service.workers,
        mode="strict" if service.settings.strict else "loose",
        now=iso_timestamp(service.clock.now()),
        tables="\n".join(tables),
    )


def _jobs(service: "Service") -> Iterable[Sequence[object]]:
    for job in reversed(service.store.all(Transcription)):
        done, total = service.jobs.progress(job.id) or ("", "")
        yield (
            job.display_name,
            job.status,
            f"{done} of {total}" if total else "",
            iso_timestamp(job.created),
            iso_timestamp(job.last_action),
            job.error.code if job.error else "",
        )


def _hooks(service: "Service") -> Iterable[Sequence[object]]:
    for hook in reversed(service.store.all(WebHook)):
        url = hook.web_url.partition("?")[0]
        yield hook.display_name, url, hook.status, hook.undelivered, hook.error.message if hook.error else ""


def _deliveries(service: "Service") -> Iterable[Sequence[object]]:
    for delivery in reversed(service.journal.deliveries):
        outcome = "lost by a fault" if delivery.lost else "yes" if delivery.delivered else "no"
        tries = ", ".join(str(one) for one in delivery.tries)
        yield iso_timestamp(delivery.at), delivery.event, delivery.url, tries, outcome


def _faults(service: "Service") -> Iterable[Sequence[object]]:
    for state in service.faults.state():
        fault = ", ".join(f"{name}={value}" for name, value in state.items() if name not in {"matched", "struck"})
        yield fault, state["matched"], state["struck"]


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>\n" for row in islice(rows, ROWS)
    )
    return f"<h2>{escape(title)}</h2>\n<table><tr>{head}</tr>\n{body or '<tr><td>none</td></tr>'}</table>"
