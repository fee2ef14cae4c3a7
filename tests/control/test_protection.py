"""When the agent of a task of ECS is asked to protect the task, and what follows where it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rig.ecs_agent import Agent, agent_of_a_task
from rig.fixtures import StartWorker
from rig.journal import Gate
from rig.ports import free_port
from rig.table import Table
from rig.waiting import eventually
from rowcrew.control.care.protection import (
    EXPIRES_MINUTES,
    IDLE_SECONDS,
    PAUSE_SECONDS,
    RENEWED_SECONDS,
    TaskProtection,
)
from rowcrew.log import Log
from tests.control.site import Site

pytestmark = pytest.mark.anyio

ON = {"ProtectionEnabled": True, "ExpiresInMinutes": EXPIRES_MINUTES}
OFF = {"ProtectionEnabled": False}


@pytest.fixture
def agent() -> Iterator[Agent]:
    with agent_of_a_task() as agent:
        yield agent


def protection(site: Site, url: str) -> TaskProtection:
    return TaskProtection(agent=url, ledger=site.road.ledger, clock=site.clock, log=Log("text", site.output))


def end_runs(site: Site) -> None:
    site.road.ledger.forget([run.job.lease_id for run in site.road.ledger])


async def test_the_task_is_protected_from_the_first_job_until_a_while_after_the_last(
    site: Site, agent: Agent
) -> None:
    one = protection(site, agent.url)
    await one.once()
    assert agent.asked == []
    await site.start()
    await one.once()
    await one.once()
    assert agent.asked == [ON]
    end_runs(site)
    site.clock.move(IDLE_SECONDS - 1)
    await one.once()
    assert agent.asked == [ON]
    site.clock.move(1)
    await one.once()
    assert agent.asked == [ON, OFF]


async def test_protection_is_renewed_before_it_expires_while_a_job_runs(site: Site, agent: Agent) -> None:
    one = protection(site, agent.url)
    await site.start()
    await one.once()
    site.clock.move(RENEWED_SECONDS - 1)
    await one.once()
    assert agent.asked == [ON]
    site.clock.move(1)
    await one.once()
    assert agent.asked == [ON, ON]
    assert RENEWED_SECONDS < EXPIRES_MINUTES * 60


async def test_a_refusal_is_told_once_and_tried_again_after_a_pause(site: Site, agent: Agent) -> None:
    one = protection(site, agent.url)
    await site.start()
    agent.may_be_asked = False
    for _ in range(2):
        assert await one.once()
        assert await one.once()
        site.clock.move(PAUSE_SECONDS)
    assert agent.refused == 2
    said = site.output.getvalue()
    assert said.count("ECS may end this task while a job runs: AccessDeniedException: not authorized") == 1
    agent.may_be_asked = True
    await one.once()
    assert agent.is_protected


async def test_an_agent_that_cannot_be_reached_or_reaches_nobody_is_told(site: Site, agent: Agent) -> None:
    await site.start()
    agent.reaches_ecs = False
    await protection(site, agent.url).once()
    await protection(site, f"http://127.0.0.1:{free_port()}/api/x").once()
    said = site.output.getvalue()
    assert "RequestCanceled: Timed out calling ECS Task Protection API" in said
    assert "the agent of the task does not answer: " in said


async def test_a_task_of_no_service_asks_once_and_nobody_hears_of_it(site: Site, agent: Agent) -> None:
    one = protection(site, agent.url)
    await site.start()
    agent.is_of_a_service = False
    await one.run()
    assert agent.refused == 1
    assert "ECS may end" not in site.output.getvalue()


def test_a_worker_in_a_task_of_ecs_protects_it_while_it_works(
    start_worker: StartWorker, table: Table, gate: Gate, agent: Agent
) -> None:
    worker = start_worker(ECS_AGENT_URI=agent.url).ready()
    assert agent.asked == []
    id = table.enqueue("hold", {"gate": str(gate.path)})
    eventually(lambda: agent.is_protected)
    gate.open()
    assert table.until(id)["status"] == "completed"
    assert worker.stop() == 0
