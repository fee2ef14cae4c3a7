"""An assistant asks the real server over standard input and output, with the protocol's own client."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import psycopg

from rig.programs import clean_environment
from rig.table import Table
from tests.conftest import Connect

if TYPE_CHECKING:
    from mcp import Client

SECRET = "4111-1111"


def asked(url: str, question: Callable[[Client], Awaitable[Any]]) -> Any:
    from mcp import Client, StdioServerParameters  # slow, and every process collects this file

    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "rowcrew.cli", "mcp"],
        env=clean_environment(DATABASE_URL=url),
    )

    async def ask() -> Any:
        async with Client(parameters) as client:
            return await question(client)

    return asyncio.run(ask())


def said(answer: Any) -> str:
    return "".join(part.text for part in answer.content)


def test_an_assistant_is_told_why_a_job_waits_and_reads_no_payload(table: Table, connect: Connect) -> None:
    job = table.enqueue("mail", {"card": SECRET}, queue="letters")
    failed = table.enqueue("report", {"card": SECRET}, status="failed", errorMessage="no such month")
    for number in range(200):
        table.enqueue("many", queue=f"queue{number}" + "x" * 40, uniqueKey="k" * 200 + str(number))
    connect().execute(
        "INSERT INTO schedules (name, cron, type, payload) VALUES ('nightly', '0 2 * * *', 'mail', %s)",
        (json.dumps({"card": SECRET}),),
    )

    async def everything(client: Client) -> dict[str, Any]:
        answers = {
            "why": await client.call_tool("why_job", {"id": job}),
            "show": await client.call_tool("show_job", {"id": failed}),
            "jobs": await client.call_tool("list_jobs", {"q": "status:failed"}),
            "all": await client.call_tool("list_jobs", {}),
            "queues": await client.call_tool("list_queues", {}),
            "waiting": await client.call_tool("waiting_reasons", {}),
            "errors": await client.call_tool("list_errors", {}),
            "schedules": await client.call_tool("list_schedules", {}),
            "absent": await client.call_tool("why_job", {"id": 999_999}),
            "unreadable": await client.call_tool("list_jobs", {"q": "status:nonsense"}),
            "by payload": await client.call_tool("list_jobs", {"q": '"x"'}),
            "too large": await client.call_tool("why_job", {"id": 2**70}),
        }
        tools = await client.list_tools()
        return {"tools": [tool.name for tool in tools.tools], **answers}

    answers = asked(table.address, everything)
    tools = answers.pop("tools")
    assert tools == [
        "why_job", "show_job", "list_jobs", "list_queues", "waiting_reasons", "list_errors", "list_schedules",
    ]  # fmt: skip
    why = json.loads(said(answers["why"]))
    assert (why["job"], why["status"]) == (job, "queued")
    assert why["reasons"][0]["what"] == "no worker lives, and none ever did"
    assert "rowcrew worker" in why["reasons"][0]["remedy"]
    show = json.loads(said(answers["show"]))
    assert (show["job"]["errorMessage"], show["job"]["payload"]) == ("no such month", "hidden")
    assert [one["id"] for one in json.loads(said(answers["jobs"]))["jobs"]] == [failed]
    assert json.loads(said(answers["all"]))["next"]
    assert json.loads(said(answers["queues"]))["leftOut"] > 0
    assert json.loads(said(answers["errors"]))["errors"][0]["message"] == "no such month"
    assert json.loads(said(answers["schedules"]))["schedules"][0]["payload"] == "hidden"
    for refused in ("absent", "unreadable", "by payload", "too large"):
        assert answers[refused].is_error, refused
    assert f"there is no job {999_999}" in said(answers["absent"]).lower()
    for answer in answers.values():
        assert SECRET not in said(answer)
        assert len(said(answer)) < 21_000


def test_page_after_page_shows_every_job_although_answers_are_short(table: Table) -> None:
    jobs = [table.enqueue("long", status="failed", errorMessage="e" * 900) for _ in range(40)]
    table.enqueue("long", status="failed", errorMessage="e" * 30_000)
    jobs += [table.enqueue("long", status="failed", errorMessage="e" * 900) for _ in range(20)]

    async def all_pages(client: Client) -> list[int | None]:
        found: list[int | None] = []
        before = None
        while True:
            answer = json.loads(said(await client.call_tool("list_jobs", {"before": before})))
            found += [*(one["id"] for one in answer["jobs"]), *[None] * answer["leftOut"]]
            if (before := answer["next"]) is None:
                return found

    found = asked(table.address, all_pages)
    assert found == [*jobs[:39:-1], None, *jobs[39::-1]]


def test_its_connection_cannot_change_a_row(table: Table) -> None:
    from rowcrew.assistant import Assistant

    job = table.enqueue("mail")

    async def change() -> str:
        assistant = Assistant(table.address)
        async with assistant.running(), assistant._links.lent() as link:
            try:
                await link.fetch("DELETE FROM jobs RETURNING id", {})
            except psycopg.Error as error:
                return type(error).__name__
        return "changed"

    assert asyncio.run(change()) == "ReadOnlySqlTransaction"
    assert table.row(job)["status"] == "queued"


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    url = "postgresql://me:hunter2@127.0.0.1:9/nowhere"

    async def one(client: Client) -> Any:
        return await client.call_tool("list_queues", {})

    answer = asked(url, one)
    assert answer.is_error
    assert "no connection to" in said(answer)
    assert "hunter2" not in said(answer)
