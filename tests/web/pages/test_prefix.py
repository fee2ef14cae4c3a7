"""Below a path of another application every link, form, file and redirect keeps the prefix."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import anyio
from starlette.applications import Starlette
from starlette.routing import Mount

from rowcrew.web.app import application
from tests.web.pages.conftest import Scene

PREFIX = "/tools/queue"
LINK = re.compile(r'(?:href|src|action|formaction)="(?!#)([^"]*)"')


async def asked(app: Starlette, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], str]:
    """One request, as a server would make it."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}  # type: ignore[attr-defined]
    content = b"".join(message.get("body", b"") for message in sent[1:])  # type: ignore[misc]
    return int(sent[0]["status"]), told, content.decode()  # type: ignore[call-overload]


def test_every_link_and_redirect_keeps_the_prefix(scene: Scene) -> None:
    failed = scene.failed()

    async def visit() -> None:
        web = application(scene.web.url, is_open=False)
        app = Starlette(routes=[Mount(PREFIX, web.app)])
        for path in ("/", "/jobs?q=queue:crawl", f"/jobs/{failed}", "/why", "/errors", "/workers", "/limits"):
            status, _, text = await asked(app, "GET", PREFIX + path)
            links = LINK.findall(text)
            assert (status, len(links) > 10) == (200, True)
            assert [link for link in links if not link.startswith(PREFIX + "/")] == [], path
        status, told, _ = await asked(app, "POST", f"{PREFIX}/jobs/{failed}/requeue")
        assert (status, told["location"]) == (303, f"{PREFIX}/jobs/{failed}?done=requeue")
        assert (await asked(app, "GET", f"{PREFIX}/static/pages.css"))[0] == 200
        web.stop()

    # The browser of other tests holds the event loop of this thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, visit).result()
