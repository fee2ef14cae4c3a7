"""`rowcrew enqueue` and `rowcrew types`, with a worker that serves the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rowcrew
from rig.programs import run
from rowcrew.cli import main
from tests.cli.conftest import Served


def test_waiting_prints_the_result_and_exits_0(served: Served) -> None:
    ended = served.run("enqueue", "greet", "--payload", '{"name": "Ann"}', "--wait")
    assert (ended.returncode, json.loads(ended.stdout)) == (0, {"greeting": "Hello Ann"})


def test_waiting_follows_the_progress_on_standard_error(served: Served) -> None:
    ended = served.run("enqueue", "step", "--wait")
    assert (ended.returncode, json.loads(ended.stdout)) == (0, "done")
    assert "processing 5/10 Processing chunks" in ended.stderr


def test_waiting_for_a_job_that_fails_says_why_and_exits_1(served: Served) -> None:
    ended = served.run("enqueue", "broken", "--wait")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1].endswith("failed: ValueError: no such customer")


def test_waiting_no_longer_than_asked_exits_3_and_leaves_the_job(served: Served) -> None:
    ended = served.run("enqueue", "greet", "--in", "1h", "--wait-seconds", "0.2", "--json")
    job = json.loads(ended.stdout)
    assert (ended.returncode, job["status"]) == (3, "queued")
    assert f"rowcrew jobs show {job['id']}" in ended.stderr


def test_a_job_takes_what_its_type_has_published_and_the_options_win(served: Served) -> None:
    plain = json.loads(served.run("enqueue", "greet", "--in", "1h", "--json").stdout)["id"]
    options = (
        "--queue",
        "other",
        "--priority",
        "low",
        "--max-attempts",
        "9",
        "--timeout",
        "60",
        "--in",
        "1h",
    )
    given = json.loads(served.run("enqueue", "greet", *options, "--json").stdout)["id"]
    columns = ("queue", "priority", "maxAttempts", "timeoutSeconds")
    assert [served.column(name, plain) for name in columns] == ["hello", 10, 2, None]
    assert [served.column(name, given) for name in columns] == ["other", -10, 9, 60]


def test_a_payload_comes_from_a_file_or_from_standard_input(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "payload.json"
    file.write_text('{"name": "Zoë"}')
    for ended in (
        served.run("enqueue", "greet", "--payload", f"@{file}", "--wait"),
        served.run("enqueue", "greet", "--payload", "-", "--wait", stdin='{"name": "Zoë"}'),
    ):
        assert json.loads(ended.stdout) == {"greeting": "Hello Zoë"}


@pytest.mark.parametrize("payload", ['{"name": "Zoë"}', "-"])
def test_a_payload_may_follow_the_type(served: Served, payload: str) -> None:
    ended = served.run("enqueue", "greet", payload, "--wait", stdin='{"name": "Zoë"}')
    assert json.loads(ended.stdout) == {"greeting": "Hello Zoë"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("5m", 300), ("1.5", 2), ("2h", 7200), ("1h30m", 5400)]
)
def test_lengths_of_time_are_read_as_settings_are(served: Served, text: str, seconds: int) -> None:
    command = ("enqueue", "greet", "--timeout", text, "--in", text, "--json")
    id = json.loads(served.run(*command).stdout)["id"]
    assert served.column("timeoutSeconds", id) == seconds
    ahead = served.column("runAt", id) - served.column("createdAt", id)
    assert seconds - 1 <= ahead.total_seconds() <= seconds + 1


def test_a_taken_unique_key_answers_the_id_of_the_live_job(served: Served) -> None:
    command = ("enqueue", "greet", "--in", "1h", "--unique-key", "only-one", "--json")
    first = json.loads(served.run(*command).stdout)
    second = json.loads(served.run(*command).stdout)
    assert first == {"id": first["id"], "created": True}
    assert second == {"id": first["id"], "created": False}


def test_a_type_nobody_has_published_is_enqueued_with_a_word_about_it(served: Served) -> None:
    ended = served.run("enqueue", "nobody.knows", "--in", "1h")
    assert ended.returncode == 0
    assert ended.stderr.startswith("No worker has published the type 'nobody.knows' yet")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "TYPE"),
        (("greet", "--payload", "{"), "payload"),
        (("greet", "--payload", "[1]"), "--payload"),
        (("greet", "--payload", "@/nowhere.json"), "/nowhere.json"),
        (("greet", "--priority", "higher"), "--priority"),
        (("greet", "--priority", "-99999"), "--priority"),
        (("greet", "--queue", "A B"), "--queue"),
        (("greet", "--max-attempts", "0"), "--max-attempts"),
        (("greet", "{}", "--payload", "{}"), "payload"),
        (("greet", "[1]"), "--payload"),
        (("greet", "--timeout", "soon"), "--timeout"),
        (("greet", "--wait-seconds", "never"), "--wait-seconds"),
        (("greet", "--timeout", "-1"), "--timeout"),
        (("greet", "--run-at", "2030-01-01T00:00:00"), "--run-at"),
        (("greet", "--in", "-5s"), "--in"),
        (("greet", "--in", "5s", "--run-at", "2030-01-01T00:00:00+00:00"), "--run-at and --in"),
        (("greet", "--unique-key", ""), "--unique-key"),
    ],
)
def test_what_cannot_be_enqueued_names_the_option_and_exits_2(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    named: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", served.url)
    assert main(["enqueue", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert named in printed.err


def test_status_progress_result_and_error_are_the_same_from_sql_python_and_the_command_line(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", served.url)
    for type in ("step", "broken"):
        shown = json.loads(served.run("enqueue", type, "--wait", "--json").stdout)
        job = rowcrew.get(shown["id"])
        assert job is not None
        columns = ("status", "progress", "result", "errorMessage")
        by_sql = [served.column(name, shown["id"]) for name in columns]
        assert [shown[name] for name in columns] == by_sql
        assert [job.status, job.progress, job.result, job.error_message] == by_sql


def test_types_lists_what_workers_have_published_and_shows_the_schema(served: Served) -> None:
    listed = [json.loads(line) for line in served.run("types", "list", "--json").stdout.splitlines()]
    greet = next(row for row in listed if row["type"] == "greet")
    assert (greet["queue"], greet["priority"], greet["description"]) == ("hello", 10, "Say hello.")
    shown = json.loads(served.run("types", "show", "greet", "--json").stdout)
    assert "name" in json.dumps(shown["payloadSchema"])
    assert served.run("types").stdout.startswith("type ")
    unknown = served.run("types", "show", "nothing")
    assert (unknown.returncode, "'nothing'" in unknown.stderr) == (1, True)


def test_without_a_database_url_the_remedy_is_named() -> None:
    ended = run("enqueue", "greet")
    assert ended.returncode == 2
    assert (
        ended.stderr
        == "rowcrew: DATABASE_URL is not set: give it as postgresql://user:password@host/database\n"
    )
