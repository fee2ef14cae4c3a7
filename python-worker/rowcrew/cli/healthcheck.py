"""`rowcrew healthcheck`: for containers and supervisors. Reads the workers' own files; no connection."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from cyclopts import Parameter

from rowcrew import liveness
from rowcrew.cli import FAILURE, SUCCESS
from rowcrew.cli.options import AsJson
from rowcrew.cli.output import print_documents
from rowcrew.model.errors import RowcrewError


def healthcheck(
    *,
    pid: Annotated[int | None, Parameter(help="Ask about the worker with this process id alone.")] = None,
    json: AsJson = False,
) -> int:
    """Exit 0 if a worker of this machine and account lives, else 1.

    A worker lives while its process does, and its last acknowledged heartbeat
    is younger than its lease.
    """
    try:
        ages = list(liveness.ages())
    except FileNotFoundError as error:
        raise RowcrewError(
            f"{error.strerror}; workers leave their signs of life there: mount a directory at /tmp"
        ) from error
    workers = [
        {
            "pid": worker,
            "heartbeatAgeSeconds": round(age, 1),
            "leaseSeconds": lease,
            "live": age <= lease and _exists(worker),
        }
        for worker, age, lease in ages
        if pid in (None, worker)
    ]
    if json:
        print_documents(workers)
    else:
        for worker in workers:
            state = "lives" if worker["live"] else "is silent"
            age = worker["heartbeatAgeSeconds"]
            print(f"Worker with PID {worker['pid']} {state}: last heartbeat {age} s ago")
    if any(worker["live"] for worker in workers):
        return SUCCESS
    print(
        "rowcrew: no live worker here; read its log, or start one with `rowcrew worker`",
        file=sys.stderr,
    )
    return FAILURE


def _exists(pid: int) -> bool:
    """Whether the process exists: a killed worker leaves its file behind, fresh for the rest of its lease."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
