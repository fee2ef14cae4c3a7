"""Milliseconds of the documented status queries on a large table of mixed statuses."""

from __future__ import annotations

import argparse
import statistics
import time

from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

# Of a thousand rows: 5 queued, 1 processing, 24 cancelled, 70 failed, the others completed.
FILL = """
INSERT INTO jobs (type, payload, status, attempts, "createdAt", result)
SELECT 'model_run', jsonb_build_object('number', number, 'name', repeat('x', 80)), mix.status,
       CASE mix.status WHEN 'queued' THEN 0 ELSE 1 END, now() - (%(rows)s - number) * interval '1 second',
       CASE mix.status WHEN 'completed' THEN jsonb_build_object('mean', number) END
  FROM generate_series(1, %(rows)s) AS number
 CROSS JOIN LATERAL (
       SELECT CASE WHEN number %% 1000 < 5 THEN 'queued' WHEN number %% 1000 < 6 THEN 'processing'
                   WHEN number %% 1000 < 30 THEN 'cancelled' WHEN number %% 1000 < 100 THEN 'failed'
                   ELSE 'completed' END AS status) AS mix
"""
QUERIES = (
    """SELECT * FROM jobs WHERE status='queued'""",
    """SELECT id, type, status, "createdAt", "updatedAt" FROM jobs ORDER BY "createdAt" DESC LIMIT 10""",
    """SELECT status, COUNT(*) FROM jobs GROUP BY status""",
    """SELECT id, type, status, "createdAt", "updatedAt" FROM jobs ORDER BY "createdAt" DESC LIMIT 20""",
    """SELECT id, type, status, "createdAt", "updatedAt" FROM jobs ORDER BY id DESC LIMIT 20""",
    """SELECT * FROM queue_depth""",
    """SELECT reason, count(*) FROM job_why GROUP BY reason""",
    """SELECT rowcrew_backlog('default')""",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=10)


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        tell(f"making {options.rows:,} rows")
        table.connection.execute(FILL, {"rows": options.rows})
        table.connection.execute("VACUUM (ANALYZE) jobs")
        rows = [_timed(table, query, options.repeats) for query in QUERIES]
    return Report(
        "queries",
        machine,
        (Table(f"{options.rows:,} rows, {options.repeats} times each, all rows fetched", rows),),
    )


def _timed(table: BenchTable, query: str, repeats: int) -> Row:
    tell(query)
    milliseconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        answer = table.connection.execute(query).fetchall()
        milliseconds.append(1000 * (time.perf_counter() - began))
    return {
        "query": query,
        "rows": len(answer),
        "medianMs": round(statistics.median(milliseconds), 1),
        "highestMs": round(max(milliseconds), 1),
    }
