"""The schedule of the nightly collection, as `rowcrew migrate` makes it and mends it."""

from __future__ import annotations

import pytest

from rowcrew.table import migrate
from tests.conftest import Connect

PAYLOAD = """SELECT payload FROM schedules WHERE name = 'cost_collection'"""


@pytest.mark.parametrize(
    ("change", "payload"),
    [
        ("""payload = '{}'""", {"tick": "{tick}"}),
        ("""payload = '{}', cron = '0 5 * * *', "nextAt" = NULL""", {"tick": "{tick}"}),
        ("""payload = '{"date": "2026-01-31"}'""", {"date": "2026-01-31"}),
        ("""payload = '{}', "declaredBy" = NULL, source = 'row'""", {}),
    ],
)
def test_a_schedule_made_before_ticks_is_told_them_unless_it_is_somebody_s_own(
    database_url: str, connect: Connect, change: str, payload: dict[str, str]
) -> None:
    migrate.downgrade(database_url, "costs@costs_0001")
    connection = connect()
    assert connection.execute(PAYLOAD).fetchone() == ({},)
    connection.execute(f"UPDATE schedules SET {change} WHERE name = 'cost_collection'".encode())
    migrate.migrate(database_url)
    assert connection.execute(PAYLOAD).fetchone() == (payload,)


def test_a_database_without_the_queue_takes_the_family(empty_url: str) -> None:
    migrate.migrate(empty_url, only=["costs"])
