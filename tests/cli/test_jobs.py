"""`rowcrew jobs`: list, show, cancel and requeue."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from rig.programs import run
from rig.waiting import eventually
from rowcrew.cli import main
from tests.cli.conftest import Served


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_list_shows_the_newest_first_and_obeys_every_filter(served: Served) -> None:
    ids = [served.insert(type=type, queue="shelf", status="completed") for type in ("x", "y", "y")]
    other = served.insert(type="y", queue="attic", status="failed", errorMessage="no\nluck \x1b[31m")

    def listed(*filters: str) -> list[int]:
        return [row["id"] for row in lines(served.run("jobs", "list", "--json", *filters).stdout)]

    assert listed("--queue", "shelf") == ids[::-1]
    assert listed("--queue", "shelf", "--queue", "attic", "--type", "y") == [other, ids[2], ids[1]]
    assert listed("--queue", "attic", "--status", "failed", "--status", "cancelled") == [other]
    assert listed("--queue", "shelf", "--limit", "1") == [ids[2]]
    table = served.run("jobs", "list", "--queue", "attic").stdout.splitlines()
    assert table[0].split()[:4] == ["id", "type", "queue", "status"]
    assert len(table) == 2
    assert "no luck" in table[1]
    assert "\x1b" not in table[1]


def test_show_has_every_column_and_the_attempts_with_their_tracebacks(served: Served) -> None:
    id = json.loads(served.run("enqueue", "broken", "--json").stdout)["id"]
    eventually(lambda: served.column("status", id) == "failed")
    job = json.loads(served.run("jobs", "show", str(id), "--json").stdout)
    (attempt,) = job["job_attempts"]
    assert (job["status"], job["payload"], job["attempts"]) == ("failed", {}, 1)
    assert (attempt["attempt"], attempt["outcome"]) == (1, "failed")
    text = served.run("jobs", "show", str(id)).stdout
    assert "ValueError: no such customer" in text
    assert "Traceback of attempt 1:" in text
    assert 'raise ValueError("no such customer")' in text


def test_cancel_stops_queued_and_running_jobs_and_answers_for_every_id(served: Served) -> None:
    running = served.insert(type="endless")
    eventually(lambda: served.column("status", running) == "processing")
    queued = served.insert(type="nobody.serves.this")
    ended = served.insert(type="x", status="completed")
    answer = served.run("jobs", "cancel", str(ended), str(running), "987654321", str(queued), str(queued))
    assert answer.returncode == 1
    assert answer.stdout.splitlines() == [
        f"Job {ended}: left as it is, because it is completed already",
        f"Job {running}: cancelled",
        "Job 987654321: there is no such job",
        f"Job {queued}: cancelled",
    ]
    assert [served.column("status", id) for id in (running, queued)] == ["cancelled", "cancelled"]
    served.worker.line(f"⚠️  Stopping job: {running}")


def test_requeue_takes_ended_jobs_and_leaves_those_whose_unique_key_is_taken(served: Served) -> None:
    def failed(key: str | None) -> int:
        return served.insert(type="nobody.serves.this", status="failed", uniqueKey=key, attempts=3)

    plain, other, older, newer, blocked = (
        failed(None),
        failed(None),
        failed("same"),
        failed("same"),
        failed("held"),
    )
    live = served.insert(type="nobody.serves.this", uniqueKey="held")
    ids = [plain, other, older, newer, blocked, live]
    answers = lines(served.run("jobs", "requeue", *map(str, ids), "--json").stdout)
    assert [answer["id"] for answer in answers] == ids
    assert [answer["changed"] for answer in answers] == [True, True, False, True, False, False]
    assert [answer["status"] for answer in answers] == [
        "queued",
        "queued",
        "failed",
        "queued",
        "failed",
        "queued",
    ]
    assert (answers[2]["liveId"], answers[4]["liveId"]) == (newer, live)
    assert served.column("attempts", plain) == 0
    text = served.run("jobs", "requeue", str(blocked))
    assert text.stdout == f"Job {blocked}: left failed, because job {live} with the same unique key is live\n"
    assert text.returncode == 1
    assert served.run("jobs", "cancel", str(live)).returncode == 0
    assert served.run("jobs", "requeue", str(blocked)).returncode == 0


def test_a_filter_is_counted_first_and_changes_only_what_was_agreed_to(served: Served) -> None:
    ids = [served.insert(type="nobody.bulk", status="failed", attempts=3) for _ in range(3)]
    other = served.insert(type="nobody.bulk.other", status="failed")
    filters = ("--status", "failed", "--type", "nobody.bulk")
    asked = served.run("jobs", "requeue", *filters)
    assert asked.returncode == 2
    assert asked.stderr.splitlines()[:2] == ["3 jobs match:", "3 failed of type nobody.bulk"]
    assert "--yes" in asked.stderr
    assert {served.column("status", id) for id in ids} == {"failed"}
    done = served.run("jobs", "requeue", *filters, "--yes")
    assert (done.returncode, done.stdout) == (0, "3 of 3 queued again\n")
    assert {served.column("status", id) for id in ids} == {"queued"}
    assert served.column("status", other) == "failed"
    cancelled = served.run("jobs", "cancel", "--type", "nobody.bulk", "--yes", "--json")
    assert json.loads(cancelled.stdout) == {"matched": 3, "changed": 3}
    assert served.run("jobs", "requeue", "--type", "nobody.at.all").stdout == "No job matches.\n"


def test_delete_takes_ended_jobs_with_their_attempts(served: Served) -> None:
    id = json.loads(served.run("enqueue", "broken", "--json").stdout)["id"]
    eventually(lambda: served.column("status", id) == "failed")
    waiting = served.insert(type="nobody.serves.this")
    answer = served.run("jobs", "delete", str(id), str(waiting))
    assert answer.returncode == 1
    assert answer.stdout.splitlines() == [
        f"Job {id}: deleted",
        f"Job {waiting}: left as it is, because it is queued; cancel it first",
    ]
    left = served.connection.execute('SELECT count(*) FROM job_attempts WHERE "jobId" = %s', (id,))
    assert left.fetchone() == (0,)
    assert served.column("status", id) is None


def test_the_list_says_age_run_time_and_the_worker_that_failed_at_it(served: Served) -> None:
    id = json.loads(served.run("enqueue", "broken", "--json").stdout)["id"]
    eventually(lambda: served.column("status", id) == "failed")
    header, row = served.run("jobs", "list", "--type", "broken", "--limit", "1").stdout.splitlines()
    assert header.split() == ["id", "type", "queue", "status", "tries", "age", "took", "worker", "news"]
    [name] = served.connection.execute("SELECT name FROM workers").fetchone() or [""]
    assert re.search(rf"1/1 +\d\S* \w+ +\d\S* \w+ +{re.escape(name)} +ValueError: no such customer", row)


@pytest.mark.parametrize(
    "id", ["9223372036854775808", "-1", "0", "abc", "1.5", "1e3", " 1", "1_000", "", "٣"]
)
@pytest.mark.parametrize("command", ["show", "cancel", "requeue", "delete"])
def test_what_is_no_id_is_refused_before_any_connection(
    capsys: pytest.CaptureFixture[str], command: str, id: str
) -> None:
    assert main(["jobs", command, id]) == 2
    expected = f"rowcrew: {id!r} is not a job id; give a whole number from 1 to 9223372036854775807\n"
    assert capsys.readouterr() == ("", expected)


def test_a_job_that_is_not_there_exits_1(served: Served) -> None:
    ended = served.run("jobs", "show", "9223372036854775807")
    assert ended.returncode == 1
    assert ended.stderr.startswith("rowcrew: there is no job 9223372036854775807")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("jobs", "list", "--limit", "0"), "--limit"),
        (("jobs", "list", "--status", "running"), "--status"),
        (("jobs", "cancel"), "ids"),
        (("jobs", "requeue", "7", "--type", "x"), "both"),
        (("jobs", "requeue", "--status", "queued"), "--status"),
        (("jobs", "delete", "--status", "processing"), "--status"),
        (("jobs", "list", "--watch"), "--watch"),
        (("jobs", "lst"), "list"),
        (("wrker",), "worker"),
    ],
)
def test_a_command_that_cannot_be_meant_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], named: str
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert named in printed.err


def test_an_unreachable_database_is_told_without_the_password() -> None:
    ended = run("jobs", "list", DATABASE_URL="postgresql://boss:hunter2@127.0.0.1:1/jobs")
    assert ended.returncode == 1
    assert ended.stderr.startswith("rowcrew: no connection to postgresql://boss@127.0.0.1:1/jobs: ")
    assert ended.stderr.endswith("; `rowcrew doctor` tells more\n")
    assert "hunter2" not in ended.stderr


def said(served: Served, *texts: str, job: int = 0, attempt: int = 1, dropped: int = 0) -> int:
    """A job with lines, each stored by itself; its id."""
    job = job or served.insert(type="x", status="completed")
    for text in texts:
        served.connection.execute(
            """INSERT INTO job_logs ("jobId", attempt, lines, dropped, text) VALUES (%s, %s, %s, %s, %s)""",
            (job, attempt, text.count("\n") + 1, dropped, text),
        )
    return job


def test_logs_shows_the_last_lines_with_their_attempts_and_what_is_not_there(served: Served) -> None:
    job = said(served, "first\nsecond")
    said(served, "third \x1b[31m", job=job, attempt=2, dropped=7)
    shown = served.run("jobs", "logs", str(job)).stdout
    assert re.sub(r"\d\d:\d\d:\d\d", "TIME", shown).splitlines() == [
        "[1] TIME first",
        "[1] TIME second",
        "… 7 lines not kept",
        "[2] TIME third  [31m",
    ]
    assert served.run("jobs", "logs", str(job), "--lines", "1").stdout.splitlines() == shown.splitlines()[-1:]
    raw = served.run("jobs", "logs", str(job), "--raw")
    assert raw.stdout == "first\nsecond\nthird \x1b[31m\n"
    assert raw.stderr == "… 7 lines not kept\n"
    first, _ = lines(served.run("jobs", "logs", str(job), "--json").stdout)
    assert (first["attempt"], first["dropped"], first["text"]) == (1, 0, "first\nsecond")


def test_logs_follows_a_job_to_its_end(served: Served) -> None:
    id = json.loads(served.run("enqueue", "talk_for_a_while", "--json").stdout)["id"]
    followed = served.run("jobs", "logs", str(id), "--follow", "--raw")
    assert followed.stdout.splitlines() == ["one", "two", "three"]


def test_logs_says_when_there_is_nothing(served: Served) -> None:
    silent = served.run("jobs", "logs", str(served.insert(type="x", status="completed")))
    assert (silent.returncode, silent.stdout) == (0, "")
    assert silent.stderr.startswith("Nothing is stored of what this job said")
    absent = served.run("jobs", "logs", "987654321")
    assert absent.returncode == 1
    assert "there is no job 987654321" in absent.stderr
    assert served.run("jobs", "logs", "1", "--json", "--follow").returncode == 2


def test_lines_go_with_their_job(served: Served) -> None:
    job = said(served, "gone soon")
    assert served.run("jobs", "delete", str(job)).returncode == 0
    left = served.connection.execute('SELECT FROM job_logs WHERE "jobId" = %s', (job,))
    assert left.fetchall() == []
