"""Statements for a person to copy, who may send what a program must not: they end sessions, write settings.

In: names of tables, indexes, slots and settings. Out: text; nothing here is ever sent. Called by what judges
a database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

GRANT: Final = "GRANT pg_read_all_stats TO current_user;"
FREEZE: Final = "VACUUM (FREEZE, VERBOSE);"
VACUUMS: Final = "SELECT * FROM pg_stat_progress_vacuum;"
SESSIONS: Final = """\
SELECT application_name, state, count(*)
  FROM pg_stat_activity
 GROUP BY 1, 2
 ORDER BY 3 DESC;"""
PAYLOADS: Final = """\
SELECT type, count(*), pg_size_pretty(avg(pg_column_size(payload)))
  FROM jobs
 WHERE status IN ('queued', 'processing')
 GROUP BY type;"""
STANDBYS: Final = """\
SELECT application_name, state, replay_lag
  FROM pg_stat_replication;"""


def end_session(pid: int) -> str:
    return f"SELECT pg_terminate_backend({pid});"


def roll_back(prepared: str) -> str:
    return f"ROLLBACK PREPARED {_quoted(prepared)};"


def drop_slot(name: str) -> str:
    return f"SELECT pg_drop_replication_slot({_quoted(name)});"


def switch_on(settings: Iterable[str]) -> str:
    return "\n".join([*(f"ALTER SYSTEM SET {name} = on;" for name in settings), "SELECT pg_reload_conf();"])


def vacuum(table: str) -> str:
    return f"VACUUM (ANALYZE) {_named(table)};"


def write_anew(table: str) -> str:
    return f"VACUUM (FULL, ANALYZE) {_named(table)};"


def let_vacuum(tables: Iterable[str]) -> str:
    return "\n".join(f"ALTER TABLE {_named(one)} RESET (autovacuum_enabled);" for one in tables)


def build_again(index: str) -> str:
    return f"REINDEX INDEX CONCURRENTLY {_named(index)};"


def drop_index(index: str) -> str:
    return f"DROP INDEX CONCURRENTLY {_named(index)};"


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


def _named(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"{}"'.format(name.replace('"', '""'))
