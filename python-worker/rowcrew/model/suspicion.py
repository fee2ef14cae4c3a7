"""How jobs that were there when a runner or worker died run again, until the one that kills has been alone.

In: what a row says (`crashes`) and how many slots a worker has. Out: how many suspects may share a runner,
which of them needs the whole worker for itself, and for how long. The set is halved at every death: running
every suspect alone at once needs a process for each, and the first container with less memory dies of that.
"""

from __future__ import annotations

from typing import Final

# Suspects run in at most so many runners at a time, whatever the number of slots.
MOST_GROUPS: Final = 2
# How long a worker does nothing else for the sake of one suspect: at first, and at most.
ALONE_SECONDS: Final = 60.0
LONGEST_ALONE_SECONDS: Final = 3_600.0


def is_suspect(crashes: int) -> bool:
    """Whether the job was there when a runner or worker died and nobody could be blamed."""
    return crashes > 0


def group_size(slots: int, crashes: int) -> int:
    """How many suspects may share a runner with this one: half as many after each death, at last one.

    A group of one gets a runner that nobody has used, and a death there is blamed on it. So a job that kills
    its runner is found after at most log2(slots) + 1 deaths (two with one slot), and neither a job beside it
    nor one that comes after it loses an attempt.
    """
    return max(1, slots >> crashes)


def is_blamed(begun: int, *, was_used: bool) -> bool:
    """Whether a runner's death counts as the attempt of its job: only when no other had begun there, ever.

    An ended run may have left a thread that crashes, a timer, or memory that nobody frees.

    Args:
        begun: the runs that were under way.
        was_used: another run had ended there.
    """
    return begun == 1 and not was_used


def needs_worker_alone(slots: int, crashes: int) -> bool:
    """Whether groups can be halved no more and there was one death more: then whole workers were lost.

    A lost worker says nothing about who was it, unless it ran one job and had said so.
    """
    return is_suspect(crashes) and slots >> crashes == 0


def alone_seconds(slots: int, crashes: int) -> float:
    """How long a worker waits until it is empty for such a suspect, and then keeps everything else waiting.

    Twice as long after each further loss: a job that kills its worker late is found all the same.
    """
    further_losses = crashes - slots.bit_length()
    return min(ALONE_SECONDS * 2.0 ** min(further_losses, 20), LONGEST_ALONE_SECONDS)
