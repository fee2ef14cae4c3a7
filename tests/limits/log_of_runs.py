"""What a trigger wrote down of every start and end, and the most that stood at once or came in a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from rig.table import Table

_LOGGED = (
    """
    CREATE TABLE runs_seen (number bigserial PRIMARY KEY, began timestamptz DEFAULT now(), at timestamptz,
                            id bigint, queue text, key text, starts boolean)
    """,
    """
    CREATE FUNCTION see_run() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO runs_seen (at, id, queue, key, starts)
        VALUES (CASE NEW.status WHEN 'processing' THEN NEW."startedAt" ELSE clock_timestamp() END,
                NEW.id, NEW.queue, NEW."concurrencyKey", NEW.status = 'processing');
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER see_run AFTER UPDATE ON jobs FOR EACH ROW
        WHEN (NEW.status <> OLD.status AND 'processing' IN (NEW.status, OLD.status))
        EXECUTE FUNCTION see_run()
    """,
)


class Seen(NamedTuple):
    """A start, or an end; `at` in seconds. `began`: when its transaction did, before it saw any row."""

    began: float
    at: float
    queue: str
    key: str | None
    starts: bool


def watch(table: Table) -> None:
    """Write down from now on every start and every end."""
    for statement in _LOGGED:
        table.rows(statement)


def seen(table: Table, only: Callable[[Seen], bool] = lambda _: True) -> list[Seen]:
    rows = table.rows(
        """
        SELECT extract(epoch FROM began)::float8 AS began, extract(epoch FROM at)::float8 AS at,
               queue, key, starts
          FROM runs_seen
         ORDER BY runs_seen.at, number
        """
    )
    return [one for row in rows if only(one := Seen(**row))]


def most_at_once(runs: Sequence[Seen]) -> int:
    return max(accumulate(1 if one.starts else -1 for one in runs), default=0)


def most_in_a_window(runs: Sequence[Seen], seconds: float) -> int:
    """The most starts in any window of this length."""
    starts = [one.at for one in runs if one.starts]
    return max((sum(at <= other < at + seconds for other in starts) for at in starts), default=0)
