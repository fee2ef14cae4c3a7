"""Jobs: a page of the newest that fit a filter, and changes of those that are chosen."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import jobs as admin
from rowcrew.admin import looks
from rowcrew.admin.looks import Page
from rowcrew.admin.search import Unreadable, search
from rowcrew.table.link import Link
from rowcrew.table.looks import Search
from rowcrew.web.login import user_of
from rowcrew.web.pages import filters
from rowcrew.web.pages.columns import COLUMNS, chosen, shown
from rowcrew.web.pages.screen import Desk, asks_again, form, job_id
from rowcrew.web.pages.seen import YOUNG_SECONDS
from rowcrew.web.problems import Refused

PAGE: Final = 50


async def list_jobs(desk: Desk, request: Request) -> Response:
    q = request.query_params.get("q", "")
    wanted, wrong = _read(q)
    columns = shown(request.query_params.getlist("column"))
    kept = chosen(columns)
    before = job_id(text) if (text := request.query_params.get("before")) else None
    now = await desk.seen.now()
    refuse_hidden(wanted, request)

    async def look(link: Link) -> Page:
        return await looks.page(link, wanted, before=before, limit=PAGE)

    def facts() -> dict[str, Any]:
        return {
            "q": q,
            "wrong": wrong,
            "page": page,
            "told": _told(page),
            "again": 0 if wanted.texts else 5,
            "tabs": filters.tabs(wanted, kept, now.value),
            "all_columns": COLUMNS,
            "columns": columns,
            "kept": kept,
            "before": before,
            "usual": filters.asked(wanted, []),
            "newest": filters.asked(wanted, kept),
            "older": filters.asked(wanted, kept, page.before) if page.before is not None else None,
        }

    if wrong:
        page = Page([], None)
        return desk.page(request, "jobs", status=400, **facts())
    page = await desk.seen.glances.see(
        ("jobs", wanted, before), look, anew=not asks_again(request), young_seconds=lambda _: YOUNG_SECONDS
    )
    return desk.same_page(request, "jobs", page, now.value, facts=facts)


async def change_jobs(desk: Desk, request: Request) -> Response:
    """Requeue or cancel those that are ticked."""
    sent = await form(request)
    change = change_of((sent.get("change") or [""])[0])
    ids = [job_id(text) for text in sent.get("id", [])]
    if not ids:
        raise Refused(409, "No job was ticked: tick those that are meant, then press the button again.")
    async with desk.changing.lent() as link:
        answers = await admin.change_jobs(link, change, ids)
    changed = sum(one.changed for one in answers)
    said: dict[str, Any] = {"q": q} if (q := (sent.get("q") or [""])[0]) else {}
    if kept := chosen(shown(sent.get("column", []))):
        said["column"] = kept
    return await desk.back(
        request,
        "/jobs",
        did=f"{change}_job",
        subject=" ".join(map(str, ids)),
        **said,
        done=f"many-{change}",
        n=changed,
    )


def change_of(word: str) -> admin.Change:
    match word:
        case "requeue" | "cancel":
            return word
    raise Refused(400, f"{word!r} is no change of jobs")


def _read(q: str) -> tuple[Search, str | None]:
    """What the box means, and what is wrong with it."""
    try:
        return search(q), None
    except Unreadable as error:
        return Search(), str(error)


def refuse_hidden(wanted: Search, request: Request) -> None:
    """Who may not read payloads may not find out either what stands in them.

    Raises:
        Refused: a text is looked for.
    """
    if wanted.texts and not user_of(request.scope).sees_payloads:
        raise Refused(403, "To search payloads takes the right to read them.")


def _told(page: Page) -> str:
    if page.is_cut:
        return f"Newest first; the time was up after {page.looked_through:,} ids, down to {page.before:,}"
    if page.before is None:
        return "Newest first, down to the first job of all" if page.jobs else "All ids were looked through"
    if len(page.jobs) < PAGE:
        return f"Newest first; {page.looked_through:,} ids were looked through, down to {page.before:,}"
    return "Newest first"
