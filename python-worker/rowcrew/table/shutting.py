"""The one way to end a connection that may not answer any more: its socket is shut, and whoever waits on it
hears of that at once. Called where a deadline has passed, or another server has taken over.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import psycopg


def shut_socket(connection: psycopg.AsyncConnection[Any]) -> None:
    """Shut both directions; a connection that is closed already stays so."""
    with suppress(OSError, psycopg.Error):
        # No copy of the descriptor: a process that has none left must be able to do this.
        end = socket.socket(fileno=connection.fileno())
        try:
            end.shutdown(socket.SHUT_RDWR)
        finally:
            end.detach()
