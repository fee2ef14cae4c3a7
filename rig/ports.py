"""Ports of this machine that nobody listens on."""

from __future__ import annotations

import itertools
import random
import socket
from contextlib import suppress
from typing import Final

# Linux lends ports from 32768 on to whoever connects, other systems from 49152 on: one of those may be taken
# before a test has bound it, or while its server restarts. By chance no two processes try the same one.
NEVER_LENT: Final = range(16_384, 32_768)
_IN_TURN: Final = itertools.cycle(random.SystemRandom().sample(NEVER_LENT, len(NEVER_LENT)))


def free_port() -> int:
    """A port that nobody has, that no connection gets meanwhile, and that nobody here was given before."""
    for port in itertools.islice(_IN_TURN, len(NEVER_LENT)):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise OSError(f"every port of {NEVER_LENT} is taken")
