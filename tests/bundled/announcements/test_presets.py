"""The queues of announcements as `rowcrew migrate` makes them, once; what people change stays."""

from __future__ import annotations

import psycopg

from rig.databases import new_database
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import migrate

QUEUES = """
    SELECT queue, label, "maxConcurrent", "maxRuntimeSeconds", "cooldownSeconds", "maxJobsPerSession",
           "idleTimeoutSeconds"
      FROM queues
     ORDER BY queue
"""


def test_a_migration_presets_the_three_queues_and_leaves_changed_ones_alone(server: EmbeddedPostgres) -> None:
    with new_database(server, "presets") as name:
        migrate.migrate(server.url_of(name))
        with psycopg.connect(server.url_of(name), autocommit=True) as connection:
            preset = connection.execute(QUEUES).fetchall()
            assert preset == [
                ("ai_processing", "AI", 3, 300, 10, 10, 30),
                ("investor_processing", "INVESTOR", 1, 240, 15, 8, 20),
                ("supabase_upload", "UPLOAD", 2, 180, 5, 15, 25),
            ]
            connection.execute("""UPDATE queues SET "maxConcurrent" = 9 WHERE queue = 'ai_processing'""")
            migrate.migrate(server.url_of(name))
            again = connection.execute(QUEUES).fetchall()
            assert again == [("ai_processing", "AI", 9, 300, 10, 10, 30), *preset[1:]]
