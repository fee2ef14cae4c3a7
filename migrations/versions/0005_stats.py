"""What the queue knows of itself: counts of the runs that ended, and numbers for whoever starts workers."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Rows are written once and never changed: a chore replaces those of a past hour or day by one that adds them
# up. The key begins with the time, so that it serves every question as well; it makes writing twice harmless.
STATS = """
    CREATE TABLE job_stats (
        "endsAt"      timestamptz NOT NULL,
        seconds       integer NOT NULL,
        "workerId"    bigint NOT NULL,
        queue         text NOT NULL,
        type          text NOT NULL,
        outcome       text NOT NULL,
        count         bigint NOT NULL,
        "runSeconds"  float8 NOT NULL DEFAULT 0,
        "waitSeconds" float8 NOT NULL DEFAULT 0,
        "memoryBytes" bigint,
        "runBuckets"  smallint[] NOT NULL DEFAULT '{}',
        "runCounts"   bigint[] NOT NULL DEFAULT '{}',
        "waitBuckets" smallint[] NOT NULL DEFAULT '{}',
        "waitCounts"  bigint[] NOT NULL DEFAULT '{}',
        PRIMARY KEY ("endsAt", seconds, "workerId", queue, type, outcome),
        CONSTRAINT job_stats_span_known CHECK (seconds IN (60, 3600, 86400)),
        CONSTRAINT job_stats_outcome_known CHECK (
            outcome IN ('completed', 'retried', 'failed', 'cancelled', 'released', 'snoozed', 'lost'))
    )
"""

# For whoever starts workers: a queue's name in, one number out, never NULL. A scaler may have the right to
# call these and no other, so they run with the owner's rights. Their bodies are read here, once: no search
# path and no temporary table leads them to another `jobs`.
FUNCTIONS = (
    # What would start now if slots were free; of a key with a limit no more than its free places. Not cut at
    # the queue's own "maxConcurrent", and blind to rates: these bound workers, not the crowd.
    """
    CREATE FUNCTION rowcrew_ready(queue text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN CASE WHEN (SELECT q.paused FROM queues q WHERE q.queue = $1) THEN 0 ELSE
        (SELECT count(*) FROM jobs j
          WHERE j.queue = $1 AND j.status = 'queued' AND j."runAt" <= now()
            AND (j."concurrencyKey" IS NULL
                 OR j."concurrencyKey" NOT IN (SELECT l.key FROM limits l)
                    AND (SELECT q."maxConcurrentPerKey" FROM queues q WHERE q.queue = $1) IS NULL))
        + coalesce((
            -- NULL where only a rate limits the key: least() passes over it, and all of the key count.
            SELECT sum(least(waiting.number, CASE WHEN free.places < 0 THEN 0 ELSE free.places END))
              FROM (SELECT j."concurrencyKey" AS key, count(*) AS number, max(l."maxConcurrent") AS "ofKey",
                           (SELECT q."maxConcurrentPerKey" FROM queues q WHERE q.queue = $1) AS "ofQueue"
                      FROM jobs j LEFT JOIN limits l ON l.key = j."concurrencyKey"
                     WHERE j.queue = $1 AND j.status = 'queued' AND j."runAt" <= now()
                       AND j."concurrencyKey" IS NOT NULL
                       AND (l.key IS NOT NULL
                            OR (SELECT q."maxConcurrentPerKey" FROM queues q WHERE q.queue = $1) IS NOT NULL)
                     GROUP BY j."concurrencyKey") AS waiting
             CROSS JOIN LATERAL (
                   SELECT count(*) AS number FROM jobs h
                    WHERE h.queue = $1 AND h."placeAt" > '-infinity' AND h."concurrencyKey" = waiting.key
                      AND h.status = 'processing') AS here
             CROSS JOIN LATERAL (
                   SELECT count(*) AS number FROM jobs h
                    WHERE h."concurrencyKey" = waiting.key AND h."placeAt" IS NOT NULL
                      AND h.status = 'processing') AS anywhere
             CROSS JOIN LATERAL (
                   SELECT least(waiting."ofQueue" - here.number, waiting."ofKey" - anywhere.number) AS places
                   ) AS free), 0)
        END
    """,
    """
    CREATE FUNCTION rowcrew_backlog(queue text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN rowcrew_ready($1) + (SELECT count(*) FROM jobs j WHERE j.queue = $1 AND j.status = 'processing')
    """,
    """
    CREATE FUNCTION get_active_worker_count(queue_name text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN (SELECT count(*) FROM workers w
             WHERE ($1 = ANY (w.queues) OR w.queues = '{}')  -- none named: all queues
               AND w."stoppedAt" IS NULL AND w."lostAt" IS NULL AND w.asked IS NULL
               AND CASE WHEN w."launchedAt" IS NULL OR w."registeredAt" IS NOT NULL
                        THEN w."heartbeatAt" > clock_timestamp() - w."leaseSeconds" * interval '1 second'
                        -- Launched and not there yet: without it a spawner would start it again.
                        ELSE abs(extract(epoch FROM clock_timestamp() - w."launchedAt")) < 120 END)
    """,
    "REVOKE EXECUTE ON FUNCTION rowcrew_ready, rowcrew_backlog, get_active_worker_count FROM PUBLIC",
)

# Why each queued job is not running: the weightiest reason, by the word that `rowcrew why` has for it. Who is
# full is found once for all rows, so that a crowd is grouped by reason as quickly as it is counted.
WHY = """
    CREATE VIEW job_why AS
    WITH live AS MATERIALIZED (
        SELECT queues, types, slots, least(running, slots) AS taken FROM worker_status WHERE state = 'live'
    ),
    places AS MATERIALIZED (
        SELECT queue, "concurrencyKey" AS key, count(*) AS taken
          FROM jobs
         WHERE "placeAt" > '-infinity'
           AND (status = 'processing' OR "updatedAt" > clock_timestamp() - interval '30 s')
         GROUP BY queue, "concurrencyKey"
    ),
    full_scopes AS MATERIALIZED (
        SELECT 'queue ' || q.queue AS scope
          FROM queues q
         WHERE q."maxConcurrent" <= (SELECT coalesce(sum(taken), 0) FROM places WHERE places.queue = q.queue)
        UNION ALL
        SELECT 'key ' || l.key
          FROM limits l
         WHERE l."maxConcurrent" <= (SELECT coalesce(sum(taken), 0) FROM places WHERE places.key = l.key)
    ),
    used_scopes AS MATERIALIZED (
        SELECT scope
          FROM (SELECT 'queue ' || queue AS scope, "rateLimit" AS rate, "ratePeriodSeconds" AS period
                  FROM queues
                UNION ALL
                SELECT 'key ' || key, "rateLimit", "ratePeriodSeconds" FROM limits) AS rule
         WHERE rate <= (SELECT coalesce(sum(count), 0) FROM starts
                         WHERE starts.scope = rule.scope
                           AND "startedAt" > clock_timestamp() - period * interval '1 s')
    )
    SELECT j.id, j.queue, j.type,
           CASE
               WHEN j.id IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now()) THEN 'set-aside'
               WHEN j."runAt" = '9000-01-01 00:00+00' THEN 'waiting'  -- for other jobs
               WHEN j."runAt" > now() THEN
                   CASE (SELECT outcome FROM job_attempts WHERE job_attempts."leaseId" = j."leaseId")
                       WHEN 'retried' THEN 'backoff' WHEN 'snoozed' THEN 'snoozed' ELSE 'scheduled' END
               WHEN NOT EXISTS (SELECT FROM live) THEN 'no-worker'
               WHEN service.workers = 0 THEN 'queue-unserved'
               WHEN service.knowing = 0 THEN 'type-unknown'
               WHEN q.paused THEN 'queue-paused'
               WHEN 'queue ' || j.queue IN (SELECT scope FROM full_scopes)
                    OR 'key ' || j."concurrencyKey" IN (SELECT scope FROM full_scopes)
                    OR j."concurrencyKey" IS NOT NULL AND q."maxConcurrentPerKey" <= (
                        SELECT coalesce(sum(taken), 0) FROM places
                         WHERE places.queue = j.queue AND places.key = j."concurrencyKey")
                   THEN 'limit-reached'
               WHEN 'queue ' || j.queue IN (SELECT scope FROM used_scopes)
                    OR 'key ' || j."concurrencyKey" IN (SELECT scope FROM used_scopes)
                    OR j."concurrencyKey" IS NOT NULL AND q."rateLimitPerKey" <= (
                        SELECT coalesce(sum(count), 0) FROM starts
                         WHERE scope = 'queue ' || j.queue || ' key ' || j."concurrencyKey"
                           AND "startedAt" > clock_timestamp() - q."ratePeriodSeconds" * interval '1 s')
                   THEN 'rate-used-up'
               WHEN service.free = 0 THEN 'slots-taken'
               WHEN j."runAt" > now() - interval '10 s' THEN 'about-to-run'
               ELSE 'overdue'
           END AS reason
      FROM jobs j
      LEFT JOIN queues q ON q.queue = j.queue
     CROSS JOIN LATERAL (
           SELECT count(*) AS workers, count(*) FILTER (WHERE known) AS knowing,
                  coalesce(sum(slots - taken) FILTER (WHERE known), 0) AS free
             FROM (SELECT slots, taken, j.type = ANY (types) AS known
                     FROM live
                    WHERE j.queue = ANY (queues) OR queues = '{}') AS serving  -- none named: all queues
           ) AS service
     WHERE j.status = 'queued'
"""

REVISION = """UPDATE rowcrew_schema SET revision = {0}, "minimumWorker" = {0}"""


def upgrade() -> None:
    for statement in (STATS, *FUNCTIONS, WHY, REVISION.format(5)):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP VIEW job_why")
    op.execute("DROP FUNCTION rowcrew_backlog, rowcrew_ready, get_active_worker_count")
    op.execute("DROP TABLE job_stats")
    op.execute(REVISION.format(4))
