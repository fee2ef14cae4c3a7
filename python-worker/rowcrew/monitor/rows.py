"""What the tables of the monitor hold: queues, workers, jobs, and why jobs wait.

In: rows of `admin`. Out: tables for so many columns. A status is a shape, a word and a tone, so that it is
read without colours too. Called by the frame and by the screens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from rowcrew.model.standing import QueueNow, Stands
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.table import GAP, Cell, Column, Row, Table, Tone
from rowcrew.monitor.words import amount, bars, brief, percent, rate, size
from rowcrew.table.rows import ListedJob, ListedWorker

_STANDS: Final[Mapping[Stands, tuple[str, Tone]]] = {
    "unserved": ("◆", "bad"),
    "paused": ("‖", "warn"),
    "behind": ("▲", "warn"),
    "on pace": ("=", "good"),
    "idle": ("·", "dim"),
}
STATUSES: Final[Mapping[str, tuple[str, Tone]]] = {
    "queued": ("○", "ink"),
    "processing": ("◐", "work"),
    "completed": ("✓", "good"),
    "failed": ("✗", "bad"),
    "cancelled": ("⊘", "dim"),
}
_STATES: Final[Mapping[str, tuple[str, Tone]]] = {
    "live": ("●", "good"),
    "draining": ("◑", "warn"),
    "stopping": ("◑", "warn"),
    "silent": ("△", "warn"),
    "lost": ("✗", "bad"),
    "stopped": ("·", "dim"),
}
_WIDE: Final = 100
_MOST_BARS: Final = 30
_LEAST_BARS: Final = 9


def queue_table(queues: Sequence[QueueNow], room: int) -> Table:
    """A line for each queue, worst first; the last hour as bars where there is room for some."""
    columns = (
        Column("queue", gives_way=True),
        Column("stands"),
        Column("ready", right=True),
        Column("oldest", right=True),
        Column("at work", right=True),
        Column("a min", right=True),
        Column("drains", right=True),
        Column("failed", right=True),
    )
    table = Table(columns, [Row(queue.queue, _queue(queue)) for queue in queues])
    left = room - sum(table.needs()) - GAP * len(columns)
    return table if left < _LEAST_BARS else _with_bars(table, queues, min(left, _MOST_BARS))


def worker_table(workers: Sequence[ListedWorker], room: int) -> Table:
    """The workers heard last, as they stand."""
    wide = room >= _WIDE
    columns = [Column("worker", gives_way=True), Column("state"), Column("heard", right=True)]
    columns += [Column(name, right=True) for name in ("slots", "CPU", "memory", "up")]
    columns += [Column("died", right=True), Column("version")] if wide else []
    return Table(
        [*columns, Column("queues", gives_way=True)],
        [Row(str(worker.id), _worker(worker, wide)) for worker in workers],
    )


def job_table(jobs: Sequence[ListedJob], room: int) -> Table:
    """The newest jobs, and the last that each had to say."""
    wide = room >= _WIDE
    columns = [Column("id", right=True), Column("status"), Column("type", gives_way=True)]
    columns += [Column("queue", gives_way=True), Column("age", right=True), Column("run", right=True)]
    columns += [Column("tries", right=True)] if wide else []
    return Table(
        [*columns, Column("says", gives_way=True)], [Row(str(job.id), _job(job, wide)) for job in jobs]
    )


def progress_text(progress: msgspec.Raw | None) -> str:
    """`5/10 Processing chunks`; whatever else a producer has put there is not for a narrow column."""
    try:
        value = None if progress is None else msgspec.json.decode(progress)
    except msgspec.DecodeError:  # jsonb has numbers that Python has not
        return ""
    if not isinstance(value, dict):
        return ""
    counts = "/".join(str(value[name]) for name in ("current", "total") if value.get(name) is not None)
    return one_line(" ".join(filter(None, [counts, str(value.get("message") or "")])))


def marked(word: str, marks: Mapping[str, tuple[str, Tone]]) -> Cell:
    """A status with its shape and tone."""
    mark, tone = marks.get(word, ("?", "ink"))
    return Cell(f"{mark} {word}", tone)


def _queue(queue: QueueNow) -> list[Cell]:
    mark, tone = _STANDS[queue.stands]
    places = queue.slots if queue.max_concurrent is None else queue.max_concurrent
    return [
        Cell(queue.queue, "strong"),
        Cell(f"{mark} {queue.stands}", tone),
        Cell(amount(queue.ready, queue.more), "ink" if queue.ready else "dim"),
        Cell(brief(queue.oldest_wait_seconds), tone if queue.stands == "behind" else "ink"),
        Cell(f"{queue.processing}/{places}", "work" if queue.processing else "dim"),
        Cell(rate(queue.ended_per_minute), "ink" if queue.ended_per_minute else "dim"),
        _drains(queue),
        Cell(amount(queue.failed), "bad" if queue.failed else "dim"),
    ]


def _drains(queue: QueueNow) -> Cell:
    if not queue.ready:
        return Cell("now", "dim")
    if queue.drain_seconds is None:
        return Cell("never", "bad" if queue.stands == "unserved" else "warn")
    return Cell(brief(queue.drain_seconds))


def _with_bars(table: Table, queues: Sequence[QueueNow], columns: int) -> Table:
    """With the column of bars before the last two."""
    rows = [
        Row(row.key, [*row.cells[:-2], Cell(bars(queue.ended, columns), "work"), *row.cells[-2:]])
        for row, queue in zip(table.rows, queues, strict=True)
    ]
    return Table([*table.columns[:-2], Column("last hour"), *table.columns[-2:]], rows)


def _worker(worker: ListedWorker, wide: bool) -> list[Cell]:
    gone = worker.state in ("lost", "stopped")
    tone: Tone = "dim" if gone else "ink"
    cells = [
        Cell(one_line(worker.name), "dim" if gone else "strong"),
        marked(worker.state, _STATES),
        Cell(brief(worker.heard_seconds), "warn" if worker.state == "silent" else tone),
        Cell(f"{min(worker.running, worker.slots)}/{worker.slots}", "work" if worker.running else "dim"),
        Cell("" if gone else percent(worker.cpu_percent), tone),
        Cell("" if gone else size(worker.memory_bytes), tone),
        Cell(brief(worker.up_seconds), tone),
    ]
    if wide:
        cells += [Cell(str(worker.restarts), "warn" if worker.restarts else "dim")]
        cells += [Cell(one_line(worker.version or ""), "dim")]
    return [*cells, Cell(one_line(", ".join(worker.queues)) or "all", "dim")]


def _job(job: ListedJob, wide: bool) -> list[Cell]:
    said = progress_text(job.progress) if job.status == "processing" else ""
    cells = [
        Cell(str(job.id)),
        marked(job.status, STATUSES),
        Cell(one_line(job.type), "strong"),
        Cell(job.queue),
        Cell(brief(job.age_seconds), "dim"),
        Cell(brief(job.run_seconds)),
    ]
    if wide:
        cells.append(Cell(f"{job.attempts}/{job.max_attempts}", "warn" if job.attempts > 1 else "dim"))
    return [*cells, Cell(said or one_line(job.error_message or ""), "dim")]
