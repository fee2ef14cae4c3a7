"""Rows commit after others that carry a later time: near to now no floor counts."""

from __future__ import annotations

from rowcrew.table.statements import SQL
from tests.conftest import Connect

ABOVE_ALL = 2**62


def test_a_row_that_commits_late_is_reserved_though_it_lies_below_the_floor(connect: Connect) -> None:
    with connect(autocommit=False) as connection:  # one transaction has one now()
        connection.execute("ALTER TABLE jobs DISABLE TRIGGER USER")  # they take rows with a past for new ones
        connection.execute(
            """
            INSERT INTO jobs (type, "runAt")
            VALUES ('long passed over', now() - interval '1 second'),
                   ('late', now() - interval '50 milliseconds')
            """
        )
        ((now,),) = connection.execute("SELECT now()::text").fetchall()
        parameters = {
            "worker": 1,
            "queues": ["default"],
            "priorities": [0],
            "floors": [now],
            "floor_ids": [ABOVE_ALL],
            "only": None,
            "types": ["late", "long passed over"],
            "room": 10,
        }
        rows = connection.execute(SQL["worker/reserve"], parameters).fetchall()
    assert [row[2] for row in rows] == ["late"]
