"""What follows when the leases that the database knows are compared with the runs at hand. Pure.

A lease held here that the database does not know is somebody's change, or a reservation lost in a crash of
the server: its run is stopped and nothing is written. A lease that the database knows and nothing here holds
is given back, as soon as no answer on its way can bring it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from rowcrew.control.run import Run


class Comparison(NamedTuple):
    """What to do, and what to remember for the next comparison.

    Attributes:
        stop: these runs have lost their rows.
        give_back: these rows are held by nobody, by lease with their ids.
        unheld: leases that nothing here holds, whether or not they are given back yet.
        asked_at: when the database was asked.
    """

    stop: list[Run]
    give_back: dict[str, int]
    unheld: frozenset[str]
    asked_at: float


NOTHING_COMPARED = Comparison([], {}, frozenset(), 0.0)


def compare(
    known: Mapping[str, int],
    runs: Collection[Run],
    *,
    asked_at: float,
    before: Comparison,
    reserving_since: float | None,
    nothing_in_flight: bool,
) -> Comparison:
    """Compare leases.

    Args:
        known: the leases that the database says are held here, with the ids of their rows.
        runs: all runs here, also those that are over and not recorded yet.
        asked_at: when the database was asked; younger runs are not judged.
        before: the last comparison.
        reserving_since: when the reservation under way was sent, if one is.
        nothing_in_flight: no reservation is under way, not even in the database.
    """
    held = {run.job.lease_id for run in runs}
    stop = [
        run
        for run in runs
        if run.job.lease_id not in known and run.reserved_at < asked_at and not run.is_over
    ]
    unheld = frozenset(lease_id for lease_id in known if lease_id not in held)
    may_still_come = reserving_since is not None and reserving_since <= before.asked_at
    if nothing_in_flight:
        lost = unheld
    elif may_still_come:
        lost = frozenset()
    else:
        lost = unheld & before.unheld
    return Comparison(stop, {lease_id: known[lease_id] for lease_id in lost}, unheld, asked_at)
