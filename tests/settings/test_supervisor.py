"""Whom a process tells how it does, by the variables with which systemd asks."""

from __future__ import annotations

import os

import pytest

from rowcrew.settings import Supervisor, supervisor


@pytest.mark.parametrize(
    ("given", "address"),
    [("/run/systemd/notify", "/run/systemd/notify"), ("@/org/of/it", "\0/org/of/it")],
)
def test_a_path_is_an_address_and_an_abstract_name_begins_with_nul(given: str, address: str) -> None:
    assert supervisor({"NOTIFY_SOCKET": given}) == Supervisor(address, None)


@pytest.mark.parametrize("given", ["", "vsock:2:1234", "notify"])
def test_nobody_is_told_at_what_is_no_local_address(given: str) -> None:
    assert supervisor({"NOTIFY_SOCKET": given, "WATCHDOG_USEC": "30000000"}) is None


def test_nobody_is_told_where_nobody_asks() -> None:
    assert supervisor({}) is None


@pytest.mark.parametrize(
    ("watchdog", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_a_watchdog_counts_for_the_process_it_names(watchdog: dict[str, str], seconds: float | None) -> None:
    told = supervisor({"NOTIFY_SOCKET": "/run/notify", **watchdog})
    assert told is not None
    assert told.watchdog_seconds == seconds
