"""Who uses a server: two locks in its home, which the kernel lets go of when their holders die.

`alone` is held while somebody starts, joins or stops the server; a share of the other one makes a user of
it. Called by `server` and by the owner; the watcher inherits its owner's share.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from rowcrew.embedded.home import Home


@contextlib.contextmanager
def alone(home: Home) -> Iterator[None]:
    """Nobody else starts, joins or stops the server of this home meanwhile."""
    descriptor = os.open(home.start_lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def join(home: Home) -> int:
    """Become a user of the server; the descriptor returned is the proof, for us and for our watcher."""
    users = os.open(home.users_lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def is_only_user(users: int) -> bool:
    """Asked under `alone`: trying for the whole lock lets go of our share for a moment."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_SH)
    return True
