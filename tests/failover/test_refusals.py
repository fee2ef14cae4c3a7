"""What it proves that no server of an address takes a worker in: that others get in nowhere, or nothing."""

from __future__ import annotations

import socket
from contextlib import suppress

import psycopg
import pytest

from rig.ports import free_port
from rig.standby import StandBy
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table.hosts import is_refusal
from rowcrew.table.link import Link


async def refused_by(*hosts: str) -> bool:
    """Whether these servers' answers, and silence, prove that nobody is served."""
    link = Link(f"postgresql://u@{','.join(hosts)}/postgres?connect_timeout=2", purpose="test")
    with pytest.raises(psycopg.Error) as raised:
        await link.open()
    return is_refusal(raised.value, hosts=link.hosts)


def nobody() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.mark.anyio
async def test_one_server_that_refuses_serves_nobody() -> None:
    assert await refused_by(nobody())


@pytest.mark.anyio
async def test_several_that_all_refuse_serve_nobody() -> None:
    assert await refused_by(nobody(), nobody())


@pytest.mark.anyio
@pytest.mark.parametrize("refuses_last", [True, False])
async def test_one_whose_name_is_not_found_may_serve_others(refuses_last: bool) -> None:
    hosts = ["no-such-host.invalid:5432", nobody()]
    assert not await refused_by(*(hosts if refuses_last else reversed(hosts)))


@pytest.mark.anyio
@pytest.mark.parametrize("refuses_last", [True, False])
async def test_one_that_is_silent_may_serve_others(refuses_last: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = [f"127.0.0.1:{silent.getsockname()[1]}", nobody()]
        assert not await refused_by(*(hosts if refuses_last else reversed(hosts)))


@pytest.mark.anyio
async def test_one_out_of_reach_may_serve_others() -> None:
    assert not await refused_by("255.255.255.255:5432", nobody())


@pytest.mark.anyio
async def test_a_stand_by_serves_no_writer_while_its_primary_refuses(
    primary: EmbeddedPostgres, stand_by: StandBy
) -> None:
    primary.halt("immediate")
    link = Link(stand_by.url_of_both, purpose="test")
    with pytest.raises(psycopg.OperationalError) as raised:
        await link.open()
    assert is_refusal(raised.value, hosts=2)
    with suppress(psycopg.Error):
        await link.close()


@pytest.mark.anyio
async def test_a_stand_by_alone_proves_nothing(stand_by: StandBy) -> None:
    url = stand_by.server.tcp_url_of("postgres")
    link = Link(f"{url}?target_session_attrs=read-write", purpose="test")
    with pytest.raises(psycopg.OperationalError) as raised:
        await link.open()
    assert not is_refusal(raised.value, hosts=1)
