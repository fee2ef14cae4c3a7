"""How jobs that were there when a runner died are run again, until the one that kills it has been alone.

In: what a row says (`crashes`) and how many slots a worker has. Out: how many suspects may share a runner,
and what a death means for each of them. The set is halved at every death: running every suspect alone at once
needs a process for each, and the first container with less memory than that dies of it.
"""

from __future__ import annotations

from typing import Final

# Suspects run in at most so many runners at a time, whatever the number of slots.
MOST_GROUPS: Final = 2
# From so many unexplained deaths on, the loss of a whole worker counts as the job's own attempt.
MOST_LOSSES: Final = 10


def is_suspect(crashes: int) -> bool:
    """Whether the job was there when a runner or worker died and nobody could be blamed."""
    return crashes > 0


def group_size(slots: int, crashes: int) -> int:
    """How many suspects may share a runner with this one: half as many after each death, at last one.

    A death in a group of one is blamed on it, so a job that kills its runner is found after at most
    log2(slots) + 1 deaths, and a job beside it never loses an attempt.
    """
    return max(1, slots >> crashes)


def is_blamed(begun: int) -> bool:
    """Whether a runner's death counts as the attempt of its job: only when no other had begun there."""
    return begun == 1
