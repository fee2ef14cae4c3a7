"""A port that a test is given is its own until it binds it, and also while its server restarts."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import pytest

from rig import ports
from rig.ports import NEVER_LENT, free_port

LENT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_nobody_is_given_a_port_twice() -> None:
    given = [free_port() for _ in range(200)]
    assert len(set(given)) == 200
    assert set(given) <= set(NEVER_LENT)


def test_a_port_that_somebody_has_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    own = free_port()
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        taken = listener.getsockname()[1]
        monkeypatch.setattr(ports, "_IN_TURN", itertools.cycle([taken, own]))
        assert free_port() == own


@pytest.mark.skipif(not LENT.exists(), reason="only Linux says which ports it lends")
def test_no_connection_is_lent_one_of_them() -> None:
    first, last = map(int, LENT.read_text().split())
    if first < 32_768:
        pytest.skip(f"this machine lends ports from {first} on, and not from where Linux does")
    assert not set(NEVER_LENT) & set(range(first, last + 1))
