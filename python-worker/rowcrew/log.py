"""Every log line Rowcrew writes, worded here and nowhere else.

In: an event by name and its facts. Out: one line a fact on standard output, in words for people
(LOG_FORMAT=text) or as a JSON object for aggregators (LOG_FORMAT=json). What handlers log takes the same
forms (`runner.handler_log`). ✅ and the like are INFO, ⚠️ is WARNING, ❌ is ERROR.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TextIO

import msgspec

from rowcrew.model.counting import Count
from rowcrew.model.duration import duration
from rowcrew.model.job import Job
from rowcrew.model.json_values import plain
from rowcrew.output import BackgroundOutput, Output


class Words(NamedTuple):
    """How one event is told. The text takes the event's facts by name, and words the `counted` one."""

    level: str
    text: str
    counted: str = ""


EVENTS: Final[Mapping[str, Words]] = {
    "worker.starting": Words("info", "🚀 {app_name} Python Worker started"),
    "worker.polling": Words("info", "📊 Polling interval: {seconds:g} seconds"),
    "worker.slots": Words("info", "⚙️  Worker concurrency: {slots}"),
    "worker.id": Words("info", "🆔 Worker ID: {worker_id}"),
    "database.connected": Words("info", "✅ Database connection successful"),
    "rescue.checking": Words("info", "🔍 Checking for stuck jobs..."),
    "database.details": Words("info", "🔌 Database {database} on {host}, port {port}, PostgreSQL {version}"),
    "worker.ready": Words("info", "👥 Ready: {types:type}, queues: {queues}", counted="types"),
    "worker.ephemeral": Words("info", "⏳ Ephemeral: leaves after {limits}"),
    "worker.renamed": Words("warning", "⚠️  Another live worker is called {taken}; this one is {name}"),
    "settings.two_names": Words(
        "warning",
        "⚠️  WORKER_CONCURRENCY and MAX_CONCURRENT_JOBS are both set; the smaller one counts: {slots}",
    ),
    "database.pooled": Words(
        "warning", "⚠️  The database is behind a transaction pooler: no wake-ups, polling only"
    ),
    "database.failed": Words("error", "❌ Failed to connect to database"),
    "database.failed_reason": Words("error", "❌ {reason}"),
    "database.lost": Words("warning", "⚠️  Database connection lost ({purpose}): {reason}"),
    "database.refuses": Words("warning", "⚠️  Database refuses, trying again ({purpose}): {reason}"),
    "database.back": Words("info", "✅ Database connection is back ({purpose})"),
    "database.moved": Words(
        "warning", "⚠️  Another server answers ({server}); the last {completed} completed jobs are all there"
    ),
    "worker.of_database": Words("info", "🚀 Worker {pid} serves the database {database}"),
    "worker.of_database_again": Words(
        "error",
        "❌ The worker of {database} has ended with exit code {code}: another one starts in {seconds:g} s",
    ),
    "database.old_primary": Words(
        "error",
        "❌ An old primary answers: {place} takes writes on timeline {timeline}, and {newest} has begun."
        " This worker passes it by: shut it down. If it is the right one, restored, restart the workers",
    ),
    "database.turned_back": Words(
        "error",
        "❌ The database has lost what it had committed ({server}): of the last {completed} completed jobs"
        " {turned_back} are so no longer. {again} of them run again; {gone} exist no more, enqueue them anew",
    ),
    "vacuum.held_up": Words(
        "warning", "⚠️  Vacuum cannot remove dead rows, and queues get slower: {holder}. {remedy}"
    ),
    "wake_up.lost": Words("warning", "⚠️  Wake-ups are interrupted, polling goes on: {reason}"),
    "task.not_protected": Words("warning", "⚠️  ECS may end this task while a job runs: {reason}"),
    "job.reserved": Words("info", "📦 Reserved job: {job_id} (type: {type})"),
    "job.processing": Words("info", "⚙️  Processing job: {job_id}"),
    "job.completed": Words("info", "✅ Job completed: {job_id}"),
    "job.retried": Words(
        "warning", "⚠️  Job failed, will retry: {job_id} (attempt {attempt} of {max_attempts}): {error}"
    ),
    "job.failed": Words("error", "❌ Job failed: {job_id} (attempt {attempt} of {max_attempts}): {error}"),
    "job.snoozed": Words("info", "💤 Job snoozed: {job_id} for {delay_seconds:g} seconds"),
    "job.cancelled": Words("info", "🛑 Job cancelled: {job_id}: {error}"),
    "job.released": Words("info", "↩️  Job given back: {job_id}: {error}"),
    "job.lost": Words("warning", "⚠️  Job lost its runner: {job_id}: {error}"),
    "job.stopping": Words("warning", "⚠️  Stopping job: {job_id}: {reason}"),
    "job.stale": Words("warning", "⚠️  Job is no longer ours, nothing written: {job_id}"),
    "job.rescued": Words("warning", "⚠️  Rescued job: {job_id} (type: {type}), now {status}"),
    "job.odd": Words("error", "❌ Job failed, no worker can take its row: {job_id}: {reason}"),
    "job.set_aside": Words(
        "error", "❌ Job set aside, trying again in {seconds:.0f} seconds: {job_id}: {reason}"
    ),
    "job.unstorable": Words("error", "❌ Job's end could not be stored as it was: {job_id}: {reason}"),
    "runner.started": Words("info", "🏃 Runner started (PID: {pid}, {kind})"),
    "runner.ended": Words("info", "🏁 Runner ended (PID: {pid})"),
    "runner.leftovers": Words("info", "🧹 Ended {programs} programs that handlers left (runner PID: {pid})"),
    "worker.leftovers": Words("warning", "⚠️  Ended {programs} programs that handlers of a dead worker left"),
    "runner.not_started": Words("error", "❌ No runner can be started, trying again: {reason}"),
    "runner.died": Words("error", "❌ Runner died (PID: {pid}): {reason}"),
    "runner.killed": Words("warning", "⚠️  Killing runner (PID: {pid}): {reason}"),
    "runner.given_up": Words(
        "warning", "⚠️  Giving up what runs in this process (PID: {pid}), where nothing can end it: {reason}"
    ),
    "runner.unresponsive": Words(
        "warning", "⚠️  Runner does not answer (PID: {pid}): a handler holds its interpreter or its event loop"
    ),
    "runner.replaced": Words("info", "♻️  Replacing runner (PID: {pid}): it uses {memory_mib} MiB"),
    "worker.outgrown": Words(
        "warning", "⚠️  A runner uses more than WORKER_MAX_MEMORY: the worker leaves after its jobs"
    ),
    "fence.closed": Words(
        "error", "❌ No heartbeat for {seconds:g} seconds: stopping all runs before others take them"
    ),
    "worker.declared_lost": Words(
        "error", "❌ This worker was declared lost: stopping all runs, entering anew"
    ),
    "worker.rescued": Words("warning", "⚠️  Worker {worker} is lost; its jobs go back"),
    "worker.draining": Words("info", "⏸️  Draining, as its row asks: it takes no more jobs"),
    "worker.resumed": Words("info", "▶️  Taking jobs again"),
    "supervisor.unreachable": Words("warning", "⚠️  NOTIFY_SOCKET leads to nobody: {reason}"),
    "worker.stopping": Words("info", "🛑 Stopping: {reason}; running jobs have {grace:g} seconds"),
    "worker.stopped": Words("info", "👋 Worker stopped: {reason}"),
    "worker.failed_to_start": Words("error", "❌ Worker failed to start: {reason}"),
    "worker.crashed": Words("error", "❌ Worker crashed: {error}"),
    "spawner.started": Words(
        "info", "👀 {app_name} spawner started: checks every {seconds:g} seconds, queues: {queues}"
    ),
    "spawner.status": Words("info", "📊 {status}"),
    "spawner.summary": Words("info", "📊 Active workers: {workers}, Total jobs: {jobs}"),
    "spawner.checked": Words("info", "🔎 {label}: {start:worker} to start: {reason}", counted="start"),
    "worker.spawned": Words(
        "info", "🚀 Spawned worker {name} for {label} ({place}: {handle}, Total: {total})"
    ),
    "worker.not_spawned": Words("error", "❌ Worker {name} for {label} did not start: {reason}"),
    "worker.never_came": Words("error", "❌ Worker {name} for {label} was launched and never came: {reason}"),
    "worker.exited": Words("info", "🏁 Worker {name} exited (exit code {exit_code})"),
    "worker.died": Words("warning", "⚠️  Worker {name} died ({ending}); its jobs go back"),
    "worker.over_time": Words(
        "warning", "⚠️  Worker {name} has outlived its time by {seconds:.0f} seconds: sent {signal}"
    ),
    "worker.over_time_elsewhere": Words(
        "warning",
        "⚠️  Worker {name} has outlived its time by {seconds:.0f} seconds: {launcher} is asked to end it",
    ),
    "place.failed": Words("warning", "⚠️  Workers in {launcher} cannot be looked after: {reason}"),
    "spawner.stopping": Words(
        "info", "🛑 Spawner stops: {reason}; {workers:worker} of its own", counted="workers"
    ),
    "spawner.stopped": Words("info", "👋 Spawner stopped"),
    "spawner.failed": Words("error", "❌ Spawner failed: {reason}"),
    "library.warned": Words("warning", "⚠️  {library}: {text}"),
    "library.failed": Words("error", "❌ {library}: {text}"),
    "log.dropped": Words(
        "warning", "⚠️  Dropped {lines:log line}: nobody read the log fast enough", counted="lines"
    ),
    "lines.dropped": Words(
        "warning",
        "⚠️  Dropped {lines:line} of handlers: the database took them too slowly, or not at all",
        counted="lines",
    ),
    "prune.odd": Words("error", "❌ Job cannot be deleted, the others are: {job_id}: {reason}"),
    "prune.done": Words("info", "🧹 Pruned {deleted:job}", counted="deleted"),
    "results.odd": Words("error", "❌ Result cannot be emptied, the others are: {job_id}: {reason}"),
    "results.emptied": Words("info", "🧹 Emptied {emptied:result}", counted="emptied"),
    "event.told": Words("info", "🔔 {kind} {subject} ({count}): {detail}"),
    "event.failed": Words("warning", "⚠️  Receiver {receiver} was not told of {kind}, will retry: {error}"),
    "event.untold": Words(
        "error", "❌ Receiver {receiver} was not told of {kind}, given up after {attempts} attempts: {error}"
    ),
    "schedule.refused": Words("error", "❌ Schedule refused until its row is edited: {schedule}: {problem}"),
    "schedule.paused": Words("warning", "⚠️  Schedule paused: {schedule}: {reason}"),
    "limits.put_back": Words("info", "⏱️  The limits of the {kind} {name} are what they were before"),
    "chore.failed": Words("error", "❌ A chore failed, trying again when it is due ({chore}): {error}"),
}

JOB_EVENTS: Final = {name for name in EVENTS if name.startswith("job.")}


class Log:
    """The log of one process. Collaborators get it as an argument.

    Lines are written at once until `start`; from then on a thread writes them, so that a pipe nobody reads
    holds up no heartbeat.

    Attributes:
        tells_run_times: whether it tells how long a run took.
    """

    def __init__(self, format: str, stream: TextIO | None = None, **facts: Any) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._output: Output | BackgroundOutput = Output(self._stream)
        self._render = render_json if format == "json" else _render_text
        self._time_of_day = _beginning(self._stream, facts.get("database_label"))
        self._is_json = format == "json"
        self._facts = facts
        self.tells_run_times = self._is_json or self._stream.isatty()

    def start(self) -> None:
        """Never block from now on."""
        self._output = BackgroundOutput(self._stream, tell_dropped=self.dropped)

    def stop(self) -> None:
        """Write what waits, as far as somebody reads it within a second. Later lines are written at once."""
        if isinstance(self._output, BackgroundOutput) and self._output.close():
            self._output = Output(self._stream)

    def event(self, name: str, /, **facts: Any) -> None:
        """Write one event."""
        self._output.write(self._line(name, facts))

    def jobs(self, name: str, jobs: Iterable[Job]) -> None:
        """Write the same event about many jobs: one write and %-forms, as this is on every job's path."""
        if self._is_json:
            lines = [self._line_about(name, job, {}) for job in jobs]
        else:
            form = EVENTS[name].text.replace("{job_id}", "%d").replace("{type}", "%s")
            form = self._time_of_day() + form
            if "%s" in form:
                lines = [form % (job.id, job.type) for job in jobs]
            else:
                lines = [form % job.id for job in jobs]
        self._write(lines)

    def completed(self, runs: Sequence[tuple[Job, float | None]]) -> None:
        """Write that jobs completed; where programs do not wait for fixed words, with type and run time.

        Args:
            runs: each job, and how many seconds it ran.
        """
        if not self.tells_run_times:
            self.jobs("job.completed", [job for job, _ in runs])
        elif self._is_json:
            self._write([self._line_about("job.completed", job, ran(seconds)) for job, seconds in runs])
        else:
            form = self._time_of_day() + EVENTS["job.completed"].text.replace("{job_id}", "%d (%s)")
            self._write([form % (job.id, _type_and_time(job, seconds)) for job, seconds in runs])

    def _line_about(self, name: str, job: Job, facts: Mapping[str, Any]) -> str:
        return render_json(_record(name, EVENTS[name], {**self._facts, **job_facts(job), **facts}))

    def _write(self, lines: list[str]) -> None:
        if lines:
            self._output.write("\n".join(lines) + "\n")

    def _line(self, name: str, facts: Mapping[str, Any]) -> str:
        line = self._render(_record(name, EVENTS[name], {**self._facts, **facts}))
        return line + "\n" if self._is_json else f"{self._time_of_day()}{line}\n"

    def dropped(self, lines: int) -> str:
        """The line about so many lines that nobody read in time."""
        return self._line("log.dropped", {"lines": lines})


def job_facts(job: Job) -> dict[str, Any]:
    """The fields that every line about a run carries."""
    return {"job_id": job.id, "type": job.type, "queue": job.queue, "attempt": job.attempt}


def ran(seconds: float | None) -> dict[str, float]:
    """The fact of how long a run took, where that is known."""
    return {} if seconds is None else {"seconds": round(seconds, 3)}


def _type_and_time(job: Job, seconds: float | None) -> str:
    return job.type if seconds is None else f"{job.type}, {duration(seconds)}"


def time_of_day(stream: TextIO) -> Callable[[], str]:
    """What a text line begins with: the time on a terminal; elsewhere others stamp the lines."""
    is_terminal = stream.isatty()
    return lambda: f"{datetime.now().astimezone():%H:%M:%S} " if is_terminal else ""


def _beginning(stream: TextIO, label: str | None) -> Callable[[], str]:
    """The time, and the database's name where one log tells of several."""
    time = time_of_day(stream)
    return time if label is None else lambda: f"{time()}[{label}] "


def _record(name: str, words: Words, facts: Mapping[str, Any]) -> dict[str, Any]:
    told = {**facts, words.counted: Count(facts[words.counted])} if words.counted else facts
    return {
        "timestamp": _timestamp(),
        "level": words.level,
        "event": name,
        "message": words.text.format(**told),
        **facts,
    }


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain_or_repr(value: Any) -> Any:
    try:
        return plain(value)
    except Exception:
        return repr_of(value)


_encode: Final = msgspec.json.Encoder(enc_hook=_plain_or_repr).encode


def render_json(record: Mapping[str, Any]) -> str:
    try:
        return _encode(record).decode()
    except Exception:  # a handler logs what it likes: lone surrogates, cycles, things with a broken repr
        return _encode({name: _storable(value) for name, value in record.items()}).decode()


def _storable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr_of(value)
    return text.encode("utf-8", "backslashreplace").decode()


def repr_of(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _render_text(record: Mapping[str, Any]) -> str:
    text = str(record["message"])
    return f"{text}\n{record['traceback']}" if record.get("traceback") else text
