"""A workflow as a drawn graph: boxes and lines with their places, and in which words each box tells its jobs.

In: the jobs of a family. Out: what the template writes as SVG. Called by the pages of a job and a workflow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from rowcrew.admin.tree import PlacedJob
from rowcrew.model.duration import duration
from rowcrew.model.flow import Flow, Member, critical_path, flow, member
from rowcrew.model.tree import Edges
from rowcrew.table.rows import TreeJob

MOST_BOXES: Final = 40
BOX_WIDTH: Final = 190
BOX_HEIGHT: Final = 56
_STEP_RIGHT: Final = 240
_STEP_DOWN: Final = 72
_MARGIN: Final = 4
_MOST_LETTERS: Final = 21

_ICONS: Final = {
    "processing": "flight",
    "completed": "ok",
    "failed": "bad",
    "cancelled": "cancelled",
    "queued": "queued",
}
_WORST_FIRST: Final = ("failed", "processing", "queued", "cancelled", "completed")


class Box(NamedTuple):
    """A job, or several as one: its place, its words, and the job that it leads to."""

    x: int
    y: int
    id: int
    tone: str
    icon: str
    name: str
    says: str
    title: str


class Line(NamedTuple):
    """From one box to another; the critical path is strong, what is still to come is dotted."""

    path: str
    tone: str


class Graph(NamedTuple):
    """What is drawn, as wide and as high as it has to be."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]
    is_folded: bool


def graph(family: Sequence[PlacedJob]) -> Graph | None:
    """None where there is nothing to draw, or far too much."""
    jobs = {placed.job.id: placed.job for placed in family}
    members = [_member(job, jobs) for job in jobs.values()]
    drawn = flow(members, most=MOST_BOXES) if len(members) > 1 else None
    if drawn is None:
        return None
    critical = frozenset(() if drawn.is_folded else pairwise(critical_path(members)))
    places = _places(drawn)
    boxes = [
        _box(place, [jobs[one.id] for one in crowd.members])
        for crowd, place in zip(drawn.crowds, places, strict=True)
    ]
    lines = [_line(drawn, places, arrow, critical) for arrow in drawn.arrows]
    return Graph(
        max(box.x for box in boxes) + BOX_WIDTH + _MARGIN,
        max(box.y for box in boxes) + BOX_HEIGHT + _MARGIN,
        boxes,
        sorted(lines, key=lambda line: "critical" in line.tone),
        drawn.is_folded,
    )


def _member(job: TreeJob, known: Mapping[int, TreeJob]) -> Member:
    edges = Edges(job.id, job.parent_id, job.waits_for)
    return member(edges, type=job.type, status=job.status, ended_at=job.finished_at, known=known)


def _places(drawn: Flow) -> list[tuple[int, int]]:
    """Left and top of each box: its layer, and near the boxes that lead to it."""
    sources: defaultdict[int, list[int]] = defaultdict(list)
    for source, target in drawn.arrows:
        sources[target].append(source)
    layers: defaultdict[int, list[int]] = defaultdict(list)
    for place, crowd in enumerate(drawn.crowds):
        layers[crowd.layer].append(place)
    tallest = max(len(found) for found in layers.values())
    tops: dict[int, float] = {}
    for layer in sorted(layers):
        found = sorted(layers[layer], key=lambda place: (_middle(sources[place], tops), place))
        first = (tallest - len(found)) / 2
        tops |= {place: first + row for row, place in enumerate(found)}
    columns = {layer: column for column, layer in enumerate(sorted(layers))}
    return [
        (_MARGIN + _STEP_RIGHT * columns[crowd.layer], round(_MARGIN + _STEP_DOWN * tops[place]))
        for place, crowd in enumerate(drawn.crowds)
    ]


def _middle(sources: Sequence[int], tops: Mapping[int, float]) -> float:
    return sum(tops[source] for source in sources) / len(sources) if sources else 0.0


def _box(place: tuple[int, int], jobs: Sequence[TreeJob]) -> Box:
    worst = min(jobs, key=lambda job: (_WORST_FIRST.index(job.status), job.id))
    many = len(jobs) > 1
    name = f"{len(jobs)} × {worst.type}" if many else worst.type
    says = _says_all(jobs) if many else _says(worst)
    tone = {"failed": "bad", "processing": "run"}.get(worst.status, "")
    icon = "waiting" if worst.waits else _ICONS[worst.status]
    title = f"{name}: {says}" if many else f"{worst.type} #{worst.id}: {says}"
    return Box(*place, worst.id, tone, icon, _short(name), _short(says, 28), title)


def _says(job: TreeJob) -> str:
    ran = "" if job.run_seconds is None else f" · {duration(job.run_seconds)}"
    match job.status:
        case "queued" if job.waits:
            number = len(job.waits_for)
            return "Waiting · for 1 job" if number == 1 else f"Waiting · for {number} jobs"
        case "failed":
            return f"Failed · {job.attempts} of {job.max_attempts}"
        case "queued" if job.attempts:
            return f"Retry · {job.attempts} of {job.max_attempts}"
        case "queued":
            return "Queued"
    return f"{job.status.capitalize()}{ran}"


def _says_all(jobs: Sequence[TreeJob]) -> str:
    counts = Counter(job.status for job in jobs)
    return ", ".join(f"{counts[status]} {status}" for status in _WORST_FIRST if counts[status])


def _line(
    drawn: Flow,
    places: Sequence[tuple[int, int]],
    arrow: tuple[int, int],
    critical: frozenset[tuple[int, int]],
) -> Line:
    source, target = (drawn.crowds[place].members[0] for place in arrow)
    tones = ["critical"] if (source.id, target.id) in critical else []
    if target.status == "queued" and not drawn.is_folded:
        tones.append("ahead")
    return Line(_curve(*(places[place] for place in arrow)), " ".join(tones))


def _curve(source: tuple[int, int], target: tuple[int, int]) -> str:
    """From the right edge of one box to the left one of another; it bends close to its end."""
    begin, begin_top = source[0] + BOX_WIDTH, source[1] + BOX_HEIGHT // 2
    end, end_top = target[0], target[1] + BOX_HEIGHT // 2
    bend = end - (_STEP_RIGHT - BOX_WIDTH)
    half = (bend + end) // 2
    return f"M{begin} {begin_top}H{bend}C{half} {begin_top} {half} {end_top} {end} {end_top}"


def _short(text: str, letters: int = _MOST_LETTERS) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
