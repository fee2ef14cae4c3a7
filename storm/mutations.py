"""Plants bugs into copies of the package, and sees that a test or a storm catches each.

In: MUTATIONS, each a few replacements of text that must match exactly once, so that a mutation cannot rot
unnoticed. Out: for each whether its catcher failed, as it must. Run by `./dev storm --mutations`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from storm.site import ROOT

STORM: Final = "storm"
POOLED_STORM: Final = "storm behind a pooler"
PROMOTED_STORM: Final = "storm with a promotion"
STORMS: Final[Mapping[str, tuple[str, ...]]] = {
    STORM: ("--seconds", "45", "--seed", "36"),
    POOLED_STORM: ("--seconds", "45", "--seed", "2", "--pgbouncer"),
    PROMOTED_STORM: ("--seconds", "40", "--seed", "8", "--promote"),
}
PATIENCE_SECONDS: Final = 600


class Edit(NamedTuple):
    """A file below `rowcrew/`, a text that stands there once, and what takes its place."""

    file: str
    old: str
    new: str


class Mutation(NamedTuple):
    """A planted bug. `catchers` are tests by their pytest ids, or STORMS; every one of them must fail."""

    name: str
    edits: tuple[Edit, ...]
    catchers: tuple[str, ...]


MUTATIONS: Final = (
    Mutation(
        "what answers a runner's first word is lost",
        (
            Edit(
                "control/children/runner.py",
                """        self._channel = channel
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=end)
""",
                """        await asyncio.get_running_loop().create_connection(lambda: channel, sock=end)
        self._channel = channel
""",
            ),
        ),
        (
            "tests/control/test_children.py::test_what_a_runner_that_was_quicker_than_control_is_told_reaches_it",
        ),
    ),
    Mutation(
        "the due tick is computed instead of stored",
        (
            Edit(
                "model/due.py",
                "    latest = _latest(rule, stored, now)\n",
                "    latest = _latest(rule, now - _LATE, now)\n",
            ),
        ),
        (
            "tests/schedules/test_firing.py::test_the_stored_tick_is_fired_and_not_what_a_calendar_says",
            "tests/schedules/test_races.py::test_a_tick_that_was_fired_is_not_fired_again_whatever_hands_do_to_the_row",
        ),
    ),
    Mutation(
        "the record statement does not prove the lease",
        (
            Edit(
                "table/sql/worker/record.sql",
                """ AND j."leaseId" = ended.lease AND j.status || ''""",
                " AND j.status || ''",
            ),
        ),
        (
            "tests/worker/test_rescue.py::test_what_a_paused_worker_writes_after_others_took_over_changes_nothing",
            STORM,
        ),
    ),
    Mutation(
        "the rescue does not look at the status",
        (
            Edit(
                "table/sql/worker/rescue.sql",
                """j.status = 'processing' AND j."workerId" =""",
                """j."workerId" =""",
            ),
        ),
        ("tests/storm/test_planted.py::test_a_rescue_takes_no_row_that_was_ended_by_hand",),
    ),
    Mutation(
        "two parts of a look at waiters change one row",
        (
            Edit(
                "table/sql/waits/examine.sql",
                "written AS (\n",
                "marked AS (UPDATE jobs SET awaited = true, revision = revision + 1"
                " WHERE id = ANY (ARRAY(SELECT id FROM held WHERE awaited IS NOT TRUE))),\nwritten AS (\n",
            ),
            Edit(
                "table/sql/waits/examine.sql",
                "true, false FROM held WHERE awaited IS NOT TRUE",
                "false, false FROM held WHERE false",
            ),
        ),
        ("tests/waits/test_any_order.py::test_nobody_is_let_go_too_early_and_nobody_is_left",),
    ),
    Mutation(
        "a lost worker is every job's own fault",
        (Edit("table/sql/worker/rescue.sql", 'coalesce(j."leaseId" = dead."aloneWith", false)', "true"),),
        ("tests/control/test_suspects.py::test_a_lost_worker_blames_nobody",),
    ),
    Mutation(
        "suspects all run together again",
        (Edit("model/suspicion.py", "max(1, slots >> crashes)", "slots"),),
        ("tests/control/test_suspects.py::test_one_culprit_fails_and_no_neighbour_loses_an_attempt",),
    ),
    Mutation(
        "a job pays for what another left in its runner",
        (Edit("model/suspicion.py", "begun == 1 and not was_used", "begun == 1"),),
        ("tests/control/test_suspects.py::test_a_death_where_others_have_ended_is_blamed_on_nobody",),
    ),
    Mutation(
        "suspects all run at once, each in a runner of its own",
        (Edit("control/road/dispatch.py", "len(groups) < MOST_GROUPS", "len(groups) < self._slots"),),
        ("tests/control/test_suspects.py::test_suspects_run_in_two_groups_that_are_halved_with_every_death",),
    ),
    Mutation(
        "the rescue does not look at the beats",
        (Edit("table/sql/worker/rescue.sql", " AND w.beats = seen.beats", ""),),
        ("tests/race/test_pairs.py::test_a_rescue_that_waited_for_a_beat_takes_nothing",),
    ),
    Mutation(
        "heartbeats stop at SIGTERM",
        (
            Edit(
                "control/worker.py",
                "        life.callback(organs.reserver.close)\n",
                "        life.callback(organs.reserver.close)\n"
                "        (beat,) = [t for t in asyncio.all_tasks() if t.get_name() == 'heartbeat']\n"
                "        life.callback(beat.cancel)\n",
            ),
        ),
        ("tests/storm/test_planted.py::test_heartbeats_go_on_after_a_signal_while_a_run_does",),
    ),
    Mutation(
        "the attempt is counted when the end is recorded",
        (
            Edit("table/sql/worker/reserve.sql", "attempts = attempts + 1, ", ""),
            Edit(
                "table/sql/worker/record.sql",
                "attempts = j.attempts - ended.refund",
                "attempts = j.attempts + 1 - ended.refund",
            ),
        ),
        (
            "tests/worker/test_rescue.py::test_a_restart_on_the_same_host_releases_what_a_killed_worker_held_at_once",
            STORM,
        ),
    ),
    Mutation(
        "calls to the database have no deadline",
        (
            Edit(
                "table/opening.py",
                "call_at(self._began + self._seconds, self._last_look)",
                "call_at(self._began + 3600, self._last_look)",
            ),
        ),
        ("tests/storm/test_planted.py::test_answers_that_never_come_are_given_up",),
    ),
    Mutation(
        "a lost reply to a record is taken for a failure",
        (
            Edit(
                "control/road/record.py",
                "            await self._write_surely(shares.popleft())\n",
                "            share = shares.popleft()\n"
                "            try:\n                self._closing.close(await self._writer.write(share))\n"
                "            except Exception:\n"
                "                self._closing._ledger.forget([end.lease_id for end in share])\n",
            ),
        ),
        (
            "tests/worker/test_connections.py::test_ends_that_come_while_the_server_is_down_are_recorded_once_when_it_is_back",
            STORM,
        ),
    ),
    Mutation(
        "large values pile up in control",
        (
            Edit(
                "control/road/backlog.py",
                "        elif self.bytes_held > MOST_BYTES:\n",
                "        elif self.bytes_held > 100 * MOST_BYTES:\n",
            ),
        ),
        (
            "tests/control/test_backlog.py::test_control_never_holds_more_than_its_limit_and_the_report_that_filled_it",
            "tests/worker/test_bounds.py::test_results_that_come_at_once_wait_in_their_runner",
        ),
    ),
    Mutation(
        "a lost reply is waited for as long as any",
        (
            Edit(
                "model/patience.py",
                "return min(self._most, learned * self._factor + size / BYTES_PER_SECOND)",
                "return self._most",
            ),
        ),
        ("tests/model/test_patience.py::test_a_quick_server_is_given_up_after_the_least_time",),
    ),
    Mutation(
        "any answer makes up for one that did not come",
        (
            Edit(
                "model/patience.py",
                "is None:\n            self._smoothed, ",
                "is None or self.came_through():\n            self._smoothed, ",
            ),
        ),
        (
            "tests/model/test_patience.py::test_a_quick_statement_before_each_slow_one_does_not_have_the_slow_one_given_up_for_ever",
        ),
    ),
    Mutation(
        "a fail-over that loses commits goes unseen",
        (Edit("control/care/turned_back.py", "if again or gone:", "if gone < 0:"),),
        (
            "tests/worker/test_fail_over.py::test_what_a_promoted_stand_by_has_not_heard_of_is_told_and_runs_again",
            PROMOTED_STORM,
        ),
    ),
    Mutation(
        "error texts are not cleaned",
        (
            Edit(
                "model/cleaning.py",
                "    if len(text) > 4 * length:\n        # The",
                "    return text\n    if len(text) > 4 * length:\n        # The",
            ),
        ),
        ("tests/model/test_cleaning.py::test_any_text_becomes_storable", STORM),
    ),
    Mutation(
        "what a rescuer saw before its connection broke still counts",
        (
            Edit(
                "control/care/rescue.py", "if self._link.opened != self._opened:", "if self._link.opened < 0:"
            ),
        ),
        ("tests/chores/test_rescue.py::test_what_was_seen_before_the_own_connection_broke_counts_no_more",),
    ),
    Mutation(
        "nothing sweeps below the floors",
        (
            Edit(
                "control/road/open_road.py",
                """{"full": BOTTOM, "short": self._places.recent, None: None}""",
                """{"full": None, "short": None, None: None}""",
            ),
        ),
        ("tests/storm/test_planted.py::test_a_row_that_commits_late_is_found_below_the_floor",),
    ),
    Mutation(
        "what is given back is not refunded",
        (
            Edit(
                "model/verdict.py", """"released", error=reason, refund=1)""", """"released", error=reason)"""
            ),
        ),
        ("tests/model/test_verdict.py::test_these_ends_are_the_same_on_every_attempt", STORM),
    ),
    Mutation(
        "jobs are reserved ahead beside a solo run",
        (
            Edit(
                "control/road/dispatch.py",
                "return not self._waiting and not any(",
                "return not self._waiting or any(",
            ),
        ),
        ("tests/worker/test_reserving.py::test_jobs_reserved_ahead_take_no_slot_that_a_solo_run_has_taken",),
    ),
    Mutation(
        "a pooler goes unnoticed",
        (
            Edit(
                "table/link.py",
                "return server_process != connection.info.backend_pid",
                "return server_process < 0",
            ),
        ),
        ("tests/worker/test_pooler.py::test_a_worker_notices_the_pooler_and_runs_jobs_without_listening",),
    ),
    Mutation(
        "a handler's transaction prepares statements behind a pooler",
        (Edit("runner/transaction.py", "if is_lent(", "if not is_lent("),),
        (
            "tests/worker/test_pooler.py::test_nothing_is_left_in_the_sessions_of_the_pooler",
            POOLED_STORM,
        ),
    ),
    Mutation(
        "a runner for which the machine had no room is not tried again",
        (
            Edit(
                "control/children/runners.py",
                "except (OSError, RuntimeError) as error:",
                "except EOFError as error:",
            ),
        ),
        (
            "tests/worker/test_exhaustion.py::test_a_worker_that_can_start_no_runner_lives_on_and_starts_one_when_it_can",
        ),
    ),
    Mutation(
        "a handler for which there was no thread is called later",
        (
            Edit(
                "runner/threads.py", "            if call.take():\n                raise", "            raise"
            ),
        ),
        ("tests/runner/test_threads.py::test_a_call_for_which_there_was_no_thread_is_not_made_later",),
    ),
    Mutation(
        "heartbeats wait behind acknowledgements, and these for locked rows",
        (
            Edit(
                "control/links.py",
                """self.chores = Link(address, purpose="chores", timelines=timelines)""",
                "self.chores = self.heartbeat",
            ),
            Edit("table/sql/worker/ack.sql", " SKIP LOCKED", ""),
        ),
        (
            "tests/control/test_care.py::test_the_heart_has_a_connection_of_its_own",
            "tests/worker/test_odd_rows.py::test_changed_rows_that_somebody_holds_delay_no_beat",
        ),
    ),
    Mutation(
        "the death of a runner is told as errors of its runs",
        (Edit("runner/__main__.py", "    leaving.break_off()\n", "    leaving.begin()\n"),),
        (
            "tests/worker/test_plain_python.py::test_what_ends_a_runner_from_inside_costs_its_neighbours_no_attempt",
        ),
    ),
    Mutation(
        "one odd row ends the worker",
        (
            Edit(
                "control/set_aside.py",
                "        if not is_about_data(error):\n            raise\n        if len",
                "        raise\n        if len",
            ),
        ),
        ("tests/worker/test_odd_rows.py::test_one_odd_row_stops_no_other_and_no_worker", STORM),
    ),
    Mutation(
        "a forked copy of a runner keeps the way to control",
        (
            Edit(
                "runner/__main__.py",
                "    cut_off_children([end.fileno(), os.dup(end.fileno())])\n",
                "",
            ),
        ),
        ("tests/worker/test_plain_python.py::test_a_copy_of_the_runner_answers_for_nobody", STORM),
    ),
    Mutation(
        "the log is written where the heartbeats are",
        (
            Edit(
                "log.py",
                "self._output = BackgroundOutput(self._stream, tell_dropped=self.dropped)",
                "pass",
            ),
        ),
        ("tests/log/test_background.py::test_a_pipe_that_nobody_reads_holds_up_nobody",),
    ),
    Mutation(
        "whatever stands in a frame is taken for a message",
        (
            Edit(
                "runner/wire.py",
                "except (msgspec.MsgspecError, ValueError, RecursionError):",
                "except EOFError:",
            ),
        ),
        ("tests/worker/test_plain_python.py::test_garbage_on_the_runners_connection_ends_that_runner_alone",),
    ),
    Mutation(
        "programs that left their runner's process group are not ended",
        (Edit("control/children/leftovers.py", "if mark is not None and is_left(mark):", "if False:"),),
        ("tests/worker/test_leftovers.py::test_nothing_is_left_of_a_runner_that_has_ended", STORM),
    ),
    Mutation(
        "places are counted in the reserve statement alone, without their lock",
        (
            Edit(
                "table/sql/limits/lock_limits.sql",
                "pg_try_advisory_xact_lock(821734, hashtext('queue ' || q.queue))",
                "true",
            ),
        ),
        (
            "tests/limits/test_forced.py::test_places_that_another_worker_is_taking_are_not_taken_twice",
            "tests/limits/test_exact.py::test_a_queue_has_no_more_runs_than_its_limit_and_reaches_it",
        ),
    ),
    Mutation(
        "floors move past rows that a limit held back",
        (
            Edit(
                "control/road/limited_queue.py",
                "        if answer.line_done:\n            self._floors.settle",
                "        if len(line) < 10:\n            self._floors.settle",
            ),
        ),
        ("tests/limits/test_forced.py::test_rows_that_a_limit_held_back_are_not_passed_over",),
    ),
    Mutation(
        "a place may be forgotten by a server that dies",
        (
            Edit(
                "control/road/limited.py",
                'DURABLE: Final = {"synchronous_commit": "on"}',
                "DURABLE: Final[dict[str, str]] = {}",
            ),
        ),
        ("tests/limits/test_forced.py::test_a_place_is_on_disk_before_its_run_begins",),
    ),
    Mutation(
        "events are merged without their locks",
        (
            Edit("table/sql/events/merge.sql", "pg_try_advisory_xact_lock(821736, 0)", "true"),
            Edit("table/sql/events/merge.sql", " FOR NO KEY UPDATE SKIP LOCKED", ""),
        ),
        (
            "tests/chores/test_tell_events.py::test_one_worker_merges_at_a_time",
            "tests/chores/test_tell_events.py::test_of_ten_thousand_events_none_is_lost_and_none_is_in_two_messages",
        ),
    ),
    Mutation(
        "a worker that was given up settles what another tells",
        (Edit("table/sql/events/settle.sql", ' AND "claimId" = %(claim)s', ""),),
        ("tests/chores/test_tell_events.py::test_a_claim_that_ran_out_settles_nothing",),
    ),
    Mutation(
        "a webhook connects to its name, not to the address that was judged",
        (
            Edit(
                "control/telling/webhook.py",
                "create_connection((str(address), target.port)",
                "create_connection((target.host, target.port)",
            ),
        ),
        (
            "tests/control/test_telling.py::test_a_name_is_resolved_once_and_cannot_change_before_the_connection",
        ),
    ),
    Mutation(
        "workers on their way do not count",
        (
            Edit(
                "table/sql/spawn/standings.sql",
                "WHERE state IN ('live', 'launching')",
                "WHERE state = 'live'",
            ),
        ),
        ("tests/spawn/test_rounds.py::test_launched_workers_count_as_live_until_they_are_given_up",),
    ),
    Mutation(
        "spawners decide under a lock that ends before the rows are there",
        (
            Edit(
                "spawn/rounds.py",
                "            if not decision.start:\n                return queue, decision, []\n",
                "        if not decision.start:\n            return queue, decision, []\n"
                "        async with self._link.transaction():\n",
            ),
        ),
        ("tests/spawn/test_races.py::test_nobody_else_decides_between_the_count_and_the_rows",),
    ),
    Mutation(
        "two late workers take the last place",
        (
            Edit(
                "control/identity.py",
                "            await table.lock_queues(self._link, queues=self._settings.queues)\n",
                "",
            ),
        ),
        ("tests/spawn/test_late.py::test_of_two_late_workers_one_takes_the_last_place",),
    ),
)


@contextmanager
def planted(mutation: Mutation) -> Iterator[Path]:
    """A copy of the package and its migrations with the bug in it."""
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        copy = Path(directory)
        for part in ("python-worker", "migrations"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for edit in mutation.edits:
            path = copy / "python-worker" / "rowcrew" / edit.file
            path.write_text(edited(path.read_text(), edit))
        yield copy / "python-worker"


def edited(text: str, edit: Edit) -> str:
    if text.count(edit.old) != 1:
        raise ValueError(f"{edit.file}: {edit.old!r} stands there {text.count(edit.old)} times, not once")
    return text.replace(edit.old, edit.new)


def catches(catcher: str, package: Path) -> bool:
    """Whether the catcher fails with this package in place of ours, and fails for a reason that counts."""
    if catcher in STORMS:
        command = [sys.executable, "-m", "storm", *STORMS[catcher]]
    else:
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *("-o", f"pythonpath={ROOT} {package}", catcher),
        ]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    # 1 is a failed test or a broken invariant; pytest has other codes for tests that it could not run.
    if ended.returncode not in (0, 1) or (ended.returncode == 1 and "Traceback" in ended.stderr):
        raise RuntimeError(f"{catcher} could not be run: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.returncode == 1


def survivors(words: str = "") -> list[str]:
    """Plant each bug whose name has these words, and run its catchers; the catchers that noticed nothing."""
    survived = []
    for mutation in MUTATIONS:
        if words not in mutation.name:
            continue
        with planted(mutation) as package:
            for catcher in mutation.catchers:
                caught = catches(catcher, package)
                print(f"{'caught' if caught else 'MISSED':7} {mutation.name}: {catcher}", flush=True)
                survived += [] if caught else [f"{mutation.name}: {catcher}"]
    return survived


def table() -> list[str]:
    """The rows of the documentation's table."""
    rows = ["| planted bug | what catches it |", "|---|---|"]
    for mutation in MUTATIONS:
        catchers = [
            f"`./dev storm {' '.join(STORMS[catcher])}`"
            if catcher in STORMS
            else f"`{catcher.partition('::')[2]}`"
            for catcher in mutation.catchers
        ]
        rows.append(f"| {mutation.name} | {', '.join(catchers)} |")
    return rows
