"""What all pages have in common: templates, the frame around a page, and pages for what went wrong.

In: a view's facts, or what it raised. Out: a response. Called by the views of this folder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import psycopg
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from psycopg.conninfo import conninfo_to_dict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowcrew import client
from rowcrew.admin.search import quoted
from rowcrew.installed import VERSION
from rowcrew.model.errors import RowcrewError
from rowcrew.model.event import NewEvent
from rowcrew.table.link import reason
from rowcrew.table.web_users import WebRole
from rowcrew.web.bodies import body_of
from rowcrew.web.links import Busy
from rowcrew.web.login import NOBODY, USER, User, safe_way, user_of
from rowcrew.web.pages import shapes, words
from rowcrew.web.pages.rendered import Place, Rendered
from rowcrew.web.pages.seen import Seen
from rowcrew.web.problems import Refused
from rowcrew.web.sampler import Part
from rowcrew.web.shared import Shared
from rowcrew.web.tags import tags_in

View = Callable[["Desk", Request], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

SCREENS: Final = (
    ("now", "/", "Now", "n"),
    ("jobs", "/jobs", "Jobs", "j"),
    ("why", "/why", "Why", "y"),
    ("errors", "/errors", "Errors", "e"),
    ("workers", "/workers", "Workers", "w"),
    ("schedules", "/schedules", "Schedules", "s"),
    ("limits", "/limits", "Limits", "l"),
    ("database", "/database", "Database", "d"),
)
"""The pages of the menu: name, path, title, and the key behind `g`."""

DATABASES: Final = "/db"
"""The path below which each of several databases has its pages."""

_FORM_BYTES: Final = 256 * 1024
_MOST_SUBJECT: Final = 200


def environment() -> Environment:
    found = Environment(
        loader=PackageLoader("rowcrew.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "age": words.age,
        "lasting": words.lasting,
        "number": words.number,
        "mebibytes": words.mebibytes,
        "size": words.size,
        "did": words.did,
        "moment": words.moment,
        "ticked": words.ticked,
        "pretty": words.pretty,
        "progress": words.progress,
        "spark": shapes.spark,
        "inquotes": quoted,
    }
    found.globals |= {"seats": shapes.seats, "screens": SCREENS, "version": VERSION}
    return found


def above(root: str, name: str | None) -> str:
    """The path of all databases' pages, of that of the one of this name; None = there is but one."""
    return root if name is None else root.removesuffix(f"{DATABASES}/{name}")


class Frame:
    """What is around every page.

    Args:
        names: of all databases that the process serves; none where there is but one.
        name: of the one whose pages these are; None = of no single one.
        address: of the database, of which only its name and host are shown.
        sign_out: where a proxy ends what it knows of somebody; None = it has no such place.
    """

    def __init__(
        self,
        templates: Environment,
        *,
        names: Sequence[str] = (),
        name: str | None = None,
        address: str | None = None,
        sign_out: str | None = None,
    ) -> None:
        self._sign_out = sign_out
        self._templates = templates
        self._names = names
        self._name = name
        self._place = place_of(address)

    def page(self, request: Request, template: str, *, status: int = 200, **facts: Any) -> Response:
        """The page that a template makes of these facts, in its frame."""
        content = self.content(request, template, status=status, **facts)
        return Response(content, status, media_type="text/html")

    def content(self, request: Request, template: str, *, status: int = 200, **facts: Any) -> str:
        """Of that page. Beside the facts it depends on a request's address and on its reader alone."""
        user, root = request.scope.get(USER, NOBODY), request.scope.get("root_path", "")
        frame = {
            "user": user,
            "sign_out": self._sign_out,
            "off": partial(_off, user),
            "root": root,
            "place": self._place,
            "databases": self._names,
            "database": self._name,
            "above": above(root, self._name),
            "here": safe_way(request.url.path),
            "done": request.query_params.get("done", ""),
            "status": status,
            "number_done": _number(request.query_params.get("n", "")),
        }
        return self._templates.get_template(f"{template}.html").render(frame | facts)

    def problem(self, request: Request, status: int, title: str, detail: str, helps: str = "") -> Response:
        return self.page(
            request,
            "problem",
            status=status,
            title=title,
            detail=detail,
            helps=helps,
            phrase=HTTPStatus(status).phrase,
        )


class Desk(Frame):
    """What the views of one database share: links, what was seen last, and the templates.

    Args:
        names, sign_out: as of `Frame`.
    """

    def __init__(
        self,
        shared: Shared,
        templates: Environment,
        *,
        names: Sequence[str] = (),
        sign_out: str | None = None,
    ) -> None:
        super().__init__(templates, names=names, name=shared.name, address=shared.address, sign_out=sign_out)
        self.looking = shared.looking
        self.changing = shared.changing
        self.bulks = shared.bulks
        self.seen = Seen(shared.sampler, shared.looking)
        self._rendered = Rendered()

    def sight_page(
        self,
        request: Request,
        template: str,
        sight: Part[Any],
        *others: object,
        facts: Callable[[], dict[str, Any]],
    ) -> Response:
        """The page of a part, which has a sentence of its own where the database is late.

        Args:
            others, facts: as of `same_page`.
        """
        if sight.is_late:
            status = 503 if sight.value is None else 200
            return self.page(request, template, status=status, sight=sight, **facts())
        return self.same_page(
            request, template, sight.value, *others, facts=lambda: {"sight": sight, **facts()}
        )

    def same_page(
        self, request: Request, template: str, *made_of: object, facts: Callable[[], dict[str, Any]]
    ) -> Response:
        """The page, made once for all who may see the same, as long as nothing else is to be seen.

        Args:
            made_of: what looks have found: the very same values make the same page again.
            facts: of these, of the request's address and of its reader, and of nothing else.
        """
        user, root = request.scope.get(USER, NOBODY), request.scope.get("root_path", "")
        place = Place(root, request.url.path, request.url.query, user)
        page = self._rendered.get(place, made_of)
        if page is None:
            content = self.content(request, template, **facts())
            page = self._rendered.keep(place, made_of, content.encode())
        if page.tag in tags_in(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers={"ETag": page.tag})
        return Response(page.content, headers={"ETag": page.tag}, media_type="text/html")

    async def _note(self, user: User, did: str, subject: str, tells: Mapping[str, Any]) -> None:
        detail = {"actor": user.name, "role": user.role, "path": "dashboard", **tells}
        async with self.changing.lent() as link:
            await client.emit_async(NewEvent(f"web.{did}", subject[:_MOST_SUBJECT], detail=detail), on=link)

    async def back(
        self,
        request: Request,
        path: str,
        *,
        did: str,
        subject: str,
        tells: Mapping[str, Any] | None = None,
        **query: str | int | list[str],
    ) -> Response:
        """To a page of ours after a change, so that a reload does not send the change again.

        Args:
            did, subject, tells: what somebody did to whom and how, for the event that tells of it.
        """
        await self._note(user_of(request.scope), did, subject, tells or {})
        await self.seen.renew()
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        return RedirectResponse(f"{request.scope.get('root_path', '')}{path}{asked}", 303)


def endpoint(desk: Desk, view: View, *, needs: WebRole) -> Endpoint:
    """A view that answers with a page also when it fails, and only those who may."""

    async def answer(request: Request) -> Response:
        try:
            user = user_of(request.scope)
            if not user.may_act_as(needs):
                raise Refused(403, f"{user.name} is {user.role}; this takes {needs}.")
            return await view(desk, request)
        except (RowcrewError, psycopg.Error) as error:
            return desk.problem(request, *_told(error))

    return answer


_DOCTOR: Final = "rowcrew doctor"
_TITLES: Final = {
    400: "That is not understood.",
    403: "You may look, not change this.",
    404: "There is no such page.",
    409: "Nothing was changed.",
}


def _off(user: User, role: WebRole) -> Markup:
    """What a button says that somebody may not press."""
    if user.may_act_as(role):
        return Markup("")
    return Markup(' disabled title="This takes the role {}"').format(role)


def _told(error: RowcrewError | psycopg.Error) -> tuple[int, str, str, str]:
    """Status, title, sentence, and the command that helps."""
    match error:
        case Refused():
            return error.status, _TITLES.get(error.status, "That did not work."), str(error), ""
        case psycopg.errors.QueryCanceled():
            return 503, "The database answers late.", "The question took too long and was given up.", _DOCTOR
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return 503, "The tables are not there.", reason(error), "rowcrew migrate"
        case psycopg.Error() | Busy():
            return 503, "Rowcrew cannot reach the database.", reason(error), _DOCTOR
    return 409, "That did not work.", str(error), ""


def asks_again(request: Request) -> bool:
    """Whether a page asks for itself, which was opened before: what was found a moment ago will do."""
    return "if-none-match" in request.headers


async def form(request: Request, *, most: int = _FORM_BYTES) -> dict[str, list[str]]:
    """What a form of so many bytes at most sent.

    Raises:
        Refused: it is no form, or larger or slower than any of ours.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(415, "a form of these pages sends application/x-www-form-urlencoded")
    content = await body_of(request, most=most)
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def job_id(text: str) -> int:
    """The id in an address or a form.

    Raises:
        Refused: none can have this id.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not 1 <= int(text) < 2**63:
        raise Refused(404, f"{text!r} is not the id of a job")
    return int(text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def place_of(address: str | None) -> dict[str, str]:
    """The database's name and host: what tells production from a test at a glance."""
    try:
        found = conninfo_to_dict(address or "")
    except psycopg.Error:
        return {"database": "", "host": ""}
    host = str(found.get("host") or "")
    where = "this machine" if host.startswith("/") else host
    return {"database": str(found.get("dbname") or ""), "host": where}
