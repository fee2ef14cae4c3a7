"""The launcher `render` alone: the one-off job's command and plan, and what Render cannot tell by itself."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator

import pytest

from rig.render import render
from rowcrew.settings.launchers import RenderSettings
from rowcrew.settings.readers import Secret
from rowcrew.spawn.launcher import LaunchFailed
from rowcrew.spawn.launchers.render import job_of
from tests.launchers.places import AtRender, launch


@pytest.fixture
def place() -> Iterator[AtRender]:
    with render() as service:
        yield AtRender(service)


def test_the_command_means_the_same_with_a_shell_and_without(place: AtRender) -> None:
    wanted = launch(queue="a b; $(echo c)")
    program = "python3 -c 'import os,sys;print(sys.argv[1:],os.environ[\"WORKER_ID\"])'"
    job = place.service.job(place.launcher.start(wanted))
    command = job["startCommand"].replace("rowcrew worker", f"{program} worker")
    by_a_shell = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
    alone = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout
    assert by_a_shell == alone == f"{list(wanted.arguments)} {wanted.name}\n"


def test_the_program_is_what_the_service_has(place: AtRender) -> None:
    launcher = place.make(LAUNCHER_RENDER_PROGRAM="python -m rowcrew.cli")
    command = place.service.job(launcher.start(launch()))["startCommand"]
    assert " python -m rowcrew.cli worker --queue ai " in command


@pytest.mark.parametrize(
    ("cpu", "memory", "plan"),
    [
        (None, None, None),
        (0.5, None, "plan-srv-006"),
        (None, 2**30, "plan-srv-008"),
        (3, 2**30, "plan-srv-011"),
        (None, 9 * 2**30, "plan-srv-013"),
        (8, None, "plan-srv-014"),
    ],
)
def test_the_smallest_plan_that_holds_the_worker_is_taken(
    place: AtRender, cpu: float | None, memory: int | None, plan: str | None
) -> None:
    place.launcher.start(launch(cpu=cpu, memory=memory))
    assert place.service.asked[-1].get("planId") == plan


def test_a_cron_job_lends_its_own_plans() -> None:
    settings = RenderSettings(service="crn-c24q2tmcie6so2aq3n90", api_key=Secret("rnd"))
    assert job_of(settings, launch(cpu=1))["planId"] == "plan-crn-005"
    with pytest.raises(LaunchFailed, match="the largest has 4 cores and 8 GiB"):
        job_of(settings, launch(cpu=5))


def test_a_job_whose_answer_got_lost_is_found_by_a_repeat(place: AtRender) -> None:
    wanted = launch()
    place.service.is_answer_lost = True
    with pytest.raises(LaunchFailed, match="503"):
        place.launcher.start(wanted)
    assert place.launcher.start(wanted) == place.service.jobs[0]["id"]
    assert place.started() == 1


def test_jobs_that_people_start_are_not_workers(place: AtRender) -> None:
    place.service.create({"startCommand": "rowcrew migrate"})
    assert place.launcher.running() == []


def test_every_page_of_the_list_is_read(place: AtRender) -> None:
    for _ in range(100):
        place.service.create({"startCommand": "rowcrew migrate"})
    place.service.jobs.reverse()
    handle = place.launcher.start(launch())
    place.service.jobs.reverse()
    assert place.launcher.running() == [handle]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"LAUNCHER_RENDER_API_KEY": "rnd_other"}, "401 Unauthorized; correct LAUNCHER_RENDER_API_KEY"),
        ({"LAUNCHER_RENDER_SERVICE": "srv-other"}, "404 not found.*; correct LAUNCHER_RENDER_SERVICE"),
    ],
)
def test_what_the_settings_name_and_render_has_not_is_told(
    place: AtRender, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(LaunchFailed, match=words):
        place.make(**changes).start(launch())
