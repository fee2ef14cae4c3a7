"""Behind a proxy that has it below a path, every link, form, file and redirect keeps the prefix."""

from __future__ import annotations

import re

from rig.programs import program
from tests.web.conftest import Web, serving
from tests.web.pages.conftest import Scene

PREFIX = "/tools/queue"
LINK = re.compile(r'(?:href|src|action|formaction)="(?!#)([^"]*)"')


def test_every_link_and_redirect_keeps_the_prefix(scene: Scene) -> None:
    failed = scene.failed()
    with program(*serving(), "--prefix", PREFIX, DATABASE_URL=scene.web.url) as served:
        web = Web(served, scene.web.url, scene.web.connection)
        jobs = ("/jobs?q=queue:crawl", f"/jobs/{failed}")
        for path in ("/", *jobs, "/why", "/errors", "/workers", "/limits", "/database"):
            answered = web.get(path)
            links = LINK.findall(answered.text)
            assert (answered.status, len(links) > 10) == (200, True)
            assert [link for link in links if not link.startswith(f"{PREFIX}/")] == [], path
        answered = web.ask("POST", f"/jobs/{failed}/requeue", b"")
        assert (answered.status, answered.headers["location"]) == (
            303,
            f"{PREFIX}/jobs/{failed}?done=requeue",
        )
        assert web.get("/static/pages.css").status == 200
