"""The templates of deploy/: each names one worker with its queue, and waits until the worker has gone."""

from __future__ import annotations

import re

import pytest

from rowcrew.bundled.costs import family
from rowcrew.bundled.costs.handler import crew
from rowcrew.settings import Settings
from tests.deploy.project import DEPLOY, QUEUE

# Template, what it waits for after the first signal, and how many of its units a second has.
WAITS = {
    "pm2/ecosystem.config.js": (r"kill_timeout: (\d+),", 1000),
    "systemd/rowcrew-worker@.service": (r"TimeoutStopSec=(\d+)\n", 1),
    "supervisord/rowcrew.conf": (r"stopwaitsecs=(\d+)\n", 1),
}


@pytest.mark.parametrize("template", [*WAITS, "procfile/Procfile"])
def test_each_starts_one_worker_for_one_queue(template: str) -> None:
    text = (DEPLOY / template).read_text()
    assert re.findall(r"worker --queue (\S+?)['\n]", text) == ["%i" if "@" in template else QUEUE]


def test_the_jobs_of_the_night_go_to_that_queue() -> None:
    [preset] = family.schedules
    [type] = [one for one in crew.manifest().types if one.name == preset.type]
    assert type.queue == QUEUE


@pytest.mark.parametrize("template", WAITS)
def test_each_waits_longer_than_the_worker_takes_to_leave(template: str) -> None:
    text = (DEPLOY / template).read_text()
    pattern, a_second = WAITS[template]
    (wait,) = re.findall(pattern, text)
    (grace,) = re.findall(r"SHUTDOWN_GRACE\W+(\d+)", re.sub(r"(//|#|;).*", "", text))
    assert float(grace) == Settings().shutdown_grace_seconds
    assert int(wait) / a_second >= float(grace) + 5
