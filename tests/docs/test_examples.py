"""The examples run: the crew of three by its handlers, the web application with a real worker inside."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path

import anyio.to_thread
import psycopg
import pytest
from fastapi import HTTPException

from rig.programs import ROWCREW, program
from rig.waiting import eventually
from rowcrew import get, get_async, wait
from rowcrew.cli import main
from rowcrew.model.job_status import JobStatus
from rowcrew.testing import run_handler
from tests.docs.pages import ROOT

EXAMPLES = ROOT / "examples"


def example(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES))
    monkeypatch.setenv("SHUTDOWN_GRACE", "5")


def test_the_text_is_split_into_jobs_that_count_its_words() -> None:
    crew = example("crew").crew
    split = run_handler(crew, "split_text", {"text": "To be, or not to be.\n\nThat is it."})
    assert split.result == {"paragraphs": 2}
    counts = [run_handler(crew, child.type, child.payload).result for child in split.children]
    assert counts == [{"to": 2, "be": 2, "or": 1, "not": 1}, {"that": 1, "is": 1, "it": 1}]


def test_the_search_goes_on_from_its_checkpoint() -> None:
    crew = example("crew").crew
    found = run_handler(crew, "find_nonce", {"prefix": "rowcrew", "zeros": 3}).result
    assert found["sha256"].startswith("000")
    later = run_handler(crew, "find_nonce", {"prefix": "rowcrew", "zeros": 3}, checkpoint=found["nonce"] + 1)
    assert later.result["nonce"] > found["nonce"]


def completed_job(id: int) -> JobStatus | None:
    job = get(id)
    return job if job is not None and job.status == "completed" else None


@pytest.mark.anyio
@pytest.mark.usefixtures("environment")
async def test_the_web_application_runs_what_it_enqueues() -> None:
    web = example("fastapi_lifespan")
    async with web.lifespan(web.application):
        job = (await web.split("One.\n\nTwo."))["job"]
        completed = await anyio.to_thread.run_sync(lambda: eventually(lambda: completed_job(job)))
        assert completed is not None
        assert completed.result == {"paragraphs": 2}
        assert (await web.show(job))["status"] == "completed"
        for id in (job + 1, job + 2):
            child = await get_async(id)
            assert child is not None
            assert child.type == "count_words"


@pytest.mark.anyio
@pytest.mark.usefixtures("environment")
async def test_a_broken_organ_ends_the_readiness_of_the_web_application(database_url: str) -> None:
    web = example("fastapi_lifespan")
    async with web.lifespan(web.application):
        assert await web.ready() == {"ready": True}
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("ALTER TABLE jobs RENAME TO gone")
        await anyio.to_thread.run_sync(lambda: eventually(lambda: web.application.state.failure))
        with pytest.raises(HTTPException) as refused:
            await web.ready()
        assert refused.value.status_code == 503


@pytest.mark.usefixtures("environment")
def test_costs_are_collected_now_beside_the_plan_by_a_worker_of_their_queue(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with program(*ROWCREW, "worker", "--queue", "cost_collection", DATABASE_URL=database_url) as worker:
        worker.line("👥 Ready")
        example("trigger_cost_collection").main()
        assert "'accounts': 0" in capsys.readouterr().out
        assert main(["schedules", "trigger", "cost_collection", "--json"]) == 0
        job = json.loads(capsys.readouterr().out)["jobId"]
        assert wait(job, timeout=30)["accounts"] == 0
        assert worker.stop() == 0


def test_the_page_of_examples_names_every_example() -> None:
    readme = (ROOT / "README.md").read_text()
    for file in Path(EXAMPLES).glob("*.py"):
        assert f"examples/{file.name}" in readme
