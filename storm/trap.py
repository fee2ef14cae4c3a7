"""A trap for workers in the midst of an act: who does it stands still before the commit, and can be named.

In: the table of a storm. Out: triggers that wait at a gate while somebody holds it, and who waits there.
`hurting.acts` holds gates and kills who comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg

GATE: Final = 930_000
WAITING: Final = 930_100
# Each act, and the rows by which it is known.
ACTS: Final[Mapping[str, str]] = {
    "fires": "AFTER INSERT ON schedule_ticks FOR EACH ROW",
    "lets go": "AFTER UPDATE ON jobs FOR EACH ROW"
    """ WHEN (OLD."runAt" >= '9000-01-01+00' AND NEW."runAt" < '9000-01-01+00')""",
    "merges": "AFTER INSERT ON event_messages FOR EACH ROW",
    "claims": "AFTER UPDATE ON event_messages FOR EACH ROW"
    """ WHEN (OLD."claimId" IS DISTINCT FROM NEW."claimId" AND NEW."claimId" IS NOT NULL)""",
    "has told": "AFTER UPDATE ON event_messages FOR EACH ROW"
    """ WHEN (OLD."claimId" IS NOT NULL AND NEW."claimId" IS NULL)""",
}

SETUP: Final = f"""
CREATE FUNCTION storm_trap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF storm_process() IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared({WAITING} + TG_ARGV[0]::int, storm_process());
        PERFORM pg_advisory_xact_lock_shared({GATE}, TG_ARGV[0]::int);
    END IF;
    RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER storm_trap_{number} {rows} EXECUTE FUNCTION storm_trap({number});\n"
    for number, rows in enumerate(ACTS.values())
)


def close_gate(connection: psycopg.Connection[Any], act: int) -> None:
    """From now on who does this act waits, until the connection is closed."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (GATE, act))


def caught(connection: psycopg.Connection[Any], act: int) -> tuple[int, int] | None:
    """The worker process that stands at the gate, and its backend, if one does."""
    return connection.execute(
        "SELECT who.objid::int, who.pid FROM pg_locks AS who JOIN pg_locks AS gate USING (pid)"
        " WHERE who.locktype = 'advisory' AND who.classid = %s AND who.granted"
        " AND gate.locktype = 'advisory' AND gate.classid = %s AND NOT gate.granted",
        (WAITING + act, GATE),
    ).fetchone()
