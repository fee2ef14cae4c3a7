"""A plain program with a worker in a thread, which does as its first argument says until a gate opens."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from rowcrew import RowcrewError, WorkerThread, settings

worker = WorkerThread(["crew_under_test:crew"], settings.read())


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def until_open(gate: str) -> None:
    while not Path(gate).exists():
        time.sleep(0.01)


def copied(*, begins: bool = False) -> int:
    """The id of a copy of this program, in which this does not return."""
    if pid := os.fork():
        return pid
    if begins:
        worker.start()
    else:
        worker.stop()
        try:
            worker.health()
        except RowcrewError:
            say("the copy has no worker")
    until_open(f"{sys.argv[2]}-copy")
    sys.exit(0)


def main(how: str, gate: str) -> None:
    worker.start()
    if how in ("copied", "copied twice"):
        pid = copied(begins=how == "copied twice")
        os.waitpid(pid, 0)
        say("the copy has ended")
    elif how == "copied for good":
        copied()
    until_open(gate)


if __name__ == "__main__":
    main(*sys.argv[1:])
