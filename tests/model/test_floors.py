"""Where a worker looks for ready jobs: it begins above what it has seen, and misses nothing for ever."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcrew.model.floors import BOTTOM, MOST_LINES, NAMED_PRIORITIES, Floor, Floors, Probes


def at(second: int) -> str:
    """A moment as PostgreSQL writes it in UTC."""
    return f"2026-01-01 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def lines(probes: Probes) -> list[tuple[str, int]]:
    return list(zip(probes.queues, probes.priorities, strict=True))


def places(probes: Probes) -> dict[tuple[str, int], Floor]:
    found = zip(probes.floors, probes.floor_ids, strict=True)
    return {line: Floor(*floor) for line, floor in zip(lines(probes), found, strict=True)}


def test_named_priorities_are_looked_at_before_any_row_was_seen() -> None:
    probes = Floors(["a"]).probes()
    assert lines(probes) == [("a", priority) for priority in (20, 10, 0, -10)]
    assert set(probes.floors) == {BOTTOM}


def test_higher_priorities_come_first_in_every_queue() -> None:
    floors = Floors(["a", "b"])
    floors.learn([("b", 7), ("a", 99), ("c", -50)])
    for _ in range(5):
        priorities = floors.probes().priorities
        assert priorities == sorted(priorities, reverse=True)


def test_queues_take_turns_at_being_first() -> None:
    floors = Floors(["a", "b", "c"])
    first = [floors.probes().queues[0] for _ in range(6)]
    assert sorted(first[:3]) == ["a", "b", "c"]
    assert first[:3] == first[3:]


def test_a_learned_queue_brings_its_named_priorities() -> None:
    floors = Floors([])
    floors.learn([("late", 7)])
    assert set(lines(floors.probes())) == {("late", priority) for priority in (7, *NAMED_PRIORITIES)}


def test_a_look_begins_after_the_last_row_taken() -> None:
    floors = Floors(["a"])
    floors.rise([("a", 0, Floor(at(5), 3)), ("a", 0, Floor(at(4), 9))])
    assert places(floors.probes())["a", 0] == Floor(f"{at(5)}Z", 3)
    assert places(floors.probes())["a", 10] == Floor(BOTTOM, 0)
    floors.rise([("a", 0, Floor(at(5), 2))])
    assert places(floors.probes())["a", 0] == Floor(f"{at(5)}Z", 3)


def test_fractions_of_a_second_are_ordered_as_postgresql_writes_them() -> None:
    floors = Floors(["a"])
    for text in (
        "2026-01-01 00:00:05",
        "2026-01-01 00:00:05.25",
        "2026-01-01 00:00:05.3",
        "2026-01-01 00:00:06",
    ):
        floors.rise([("a", 0, Floor(text, 1))])
        assert places(floors.probes())["a", 0].run_at == f"{text}Z"


def test_what_was_seen_settles_every_line_and_lowers_none() -> None:
    floors = Floors(["a"])
    floors.rise([("a", 0, Floor(at(50), 3))])
    floors.settle(at(40))
    assert places(floors.probes()) == {
        ("a", 20): Floor(f"{at(40)}Z", 0),
        ("a", 10): Floor(f"{at(40)}Z", 0),
        ("a", 0): Floor(f"{at(50)}Z", 3),
        ("a", -10): Floor(f"{at(40)}Z", 0),
    }


def test_a_sweep_looks_from_further_down_and_moves_nothing_by_looking() -> None:
    floors = Floors(["a"])
    floors.rise([("a", 0, Floor(at(50), 3))])
    assert places(floors.probes(at(20)))["a", 0] == Floor(f"{at(20)}Z", 0)
    assert places(floors.probes(at(20)))["a", 10] == Floor(BOTTOM, 0)
    assert places(floors.probes(BOTTOM))["a", 0] == Floor(BOTTOM, 0)
    assert places(floors.probes())["a", 0] == Floor(f"{at(50)}Z", 3)


def test_after_a_filled_sweep_the_next_look_goes_on_where_it_came_to() -> None:
    floors = Floors(["a"])
    floors.rise([("a", 0, Floor(at(50), 3)), ("a", 10, Floor(at(50), 4))])
    floors.fall([("a", 0, Floor(at(7), 8)), ("a", 0, Floor(at(6), 9))])
    assert places(floors.probes())["a", 0] == Floor(f"{at(7)}Z", 8)
    assert places(floors.probes())["a", 10] == Floor(f"{at(50)}Z", 4)


def test_learned_lines_without_rows_are_dropped_once_there_are_many() -> None:
    floors = Floors(["a"])
    floors.learn([("a", priority) for priority in range(100, 100 + 2 * MOST_LINES)])
    floors.forget([("a", 101)])
    assert set(lines(floors.probes())) == {("a", priority) for priority in (101, *NAMED_PRIORITIES)}


def test_few_learned_lines_are_kept_without_rows() -> None:
    floors = Floors(["a"])
    floors.learn([("a", 7)])
    floors.forget([])
    assert ("a", 7) in lines(floors.probes())


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(-20, 20)), max_size=200),
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(-20, 20)), max_size=20),
)
def test_a_line_with_rows_is_never_forgotten(
    learned: list[tuple[str, int]], live: list[tuple[str, int]]
) -> None:
    floors = Floors(["a"])
    floors.learn([*learned, *live])
    floors.forget(live)
    assert set(live) <= set(lines(floors.probes()))


class Row(msgspec.Struct):
    """A queued row of the model: it can be seen from the moment its transaction committed."""

    id: int
    queue: str
    priority: int
    run_at: int
    committed: int
    taken: bool = False
    locked: bool = False

    @property
    def line(self) -> tuple[str, int]:
        return self.queue, self.priority

    @property
    def place(self) -> Floor:
        return Floor(at(self.run_at), self.id)


FULL_SWEEP_EVERY = 5


class Seeker:
    """A worker of the model: looks once a second like the reserve statement, moves its floors likewise."""

    def __init__(self, table: Sequence[Row], room: int, first_sweep: int) -> None:
        self._table = table
        self._room = room
        self._next_sweep = first_sweep
        self._floors = Floors(["a"])
        self._settled = self._recent = BOTTOM
        self._holds: list[Row] = []

    def look(self, now: int, *, aborts: bool = False) -> int:
        """Reserve once; an aborted look holds its rows until the next one and takes none."""
        for row in self._holds:
            row.locked = False
        self._holds = []
        lowest = self._sweep(now)
        seen = self._ready(self._floors.probes(lowest), now)
        if aborts:
            self._holds = seen
            for row in seen:
                row.locked = True
            return 0
        for row in seen:
            row.taken = True
        taken = [(row.queue, row.priority, row.place) for row in seen]
        filled = len(seen) == self._room
        if filled and lowest is not None:
            self._floors.fall(taken)
        else:
            self._floors.rise(taken)
        if not filled:
            self._floors.settle(self._settled)
        return len(seen)

    def _sweep(self, now: int) -> str | None:
        if now >= self._next_sweep:
            self._next_sweep = now + FULL_SWEEP_EVERY
            self._settled, self._recent = at(max(0, now - 10)), at(max(0, now - 60))
            live = [row.line for row in self._table if not row.taken and row.committed <= now]
            self._floors.learn(live)
            self._floors.forget(live)
            return BOTTOM
        return self._recent if now % 2 else None

    def _ready(self, probes: Probes, now: int) -> list[Row]:
        found: list[Row] = []
        for line, sent in places(probes).items():
            floor = Floor(sent.run_at.removesuffix("Z"), sent.id)
            ready = [
                row
                for row in self._table
                if row.line == line
                and row.committed <= now
                and row.run_at <= now
                and not (row.taken or row.locked)
                and (floor.run_at == BOTTOM or row.place > floor)
            ]
            found += sorted(ready, key=lambda row: row.place)[: self._room]
        return found[: self._room]


rows = st.builds(
    lambda queue, priority, run_at, late: (queue, priority, run_at, run_at + late),
    st.sampled_from("abc"),
    st.sampled_from([20, 10, 0, -10, 7]),
    st.integers(0, 200),
    st.sampled_from([0, 0, 0, 1, 30, 100]),
)


@settings(max_examples=60)
@given(
    st.lists(rows, max_size=60),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sets(st.integers(0, 300), max_size=40),
)
def test_several_workers_take_every_row_and_none_twice(
    made: list[tuple[str, int, int, int]], rooms: list[int], aborted: set[int]
) -> None:
    table = [Row(id, *values) for id, values in enumerate(made, start=1)]
    workers = [Seeker(table, room, first_sweep=index) for index, room in enumerate(rooms)]
    taken = 0
    for now in range(300 + (len(table) + 2) * FULL_SWEEP_EVERY):
        taken += sum(
            worker.look(now, aborts=index == 0 and now in aborted) for index, worker in enumerate(workers)
        )
    assert [row for row in table if not row.taken] == []
    assert taken == len(table)


def test_rows_that_commit_late_come_out_at_the_pace_of_looks_and_not_of_sweeps() -> None:
    late = [Row(id, "a", 0, run_at=id, committed=100) for id in range(1, 31)]
    table = [Row(99, "a", 0, run_at=99, committed=99), *late]
    worker = Seeker(table, room=3, first_sweep=0)
    for now in range(100):
        worker.look(now)
    taken = [worker.look(now) for now in range(100, 100 + FULL_SWEEP_EVERY + 12)]
    assert sum(taken) == 30
