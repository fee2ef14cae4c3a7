"""The threads of a runner, also when the system gives no more of them."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: without memory for another stack no thread can be started in it.
REFUSED = """
import os, resource, sys, threading
from pathlib import Path
from rowcrew.runner.threads import Threads

calls, free = [], threading.Event()
with Threads(max_workers=2) as threads:
    first = threads.submit(free.wait)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20), resource.RLIM_INFINITY))
    try:
        threads.submit(calls.append, "refused")
    except RuntimeError:
        calls.append("RuntimeError")
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    free.set()
    threads.submit(calls.append, "taken").result()
print(calls)
"""


def test_a_call_for_which_there_was_no_thread_is_not_made_later() -> None:
    ended = subprocess.run([sys.executable, "-c", REFUSED], capture_output=True, text=True)
    assert ended.stdout == "['RuntimeError', 'taken']\n", ended.stderr
