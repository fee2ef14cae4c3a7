"""The roles that Rowcrew ships, for tests that log in with one of them alone."""

from __future__ import annotations

from typing import Final

ROLES: Final = ("producer", "worker", "reader")
PASSWORD: Final = "canary-of-the-login-7f3a"  # also looked for wherever it must not be
