-- Decide about jobs that wait: those whose watched job has ended, and those that nobody has looked at yet. One examiner at a time.
WITH lock AS MATERIALIZED (
  -- It only spares double work: every row below is locked, and read again, before it is changed.
  SELECT pg_try_advisory_xact_lock(821735, 0) AS mine),
told AS MATERIALIZED (  -- ended jobs whose waiters have not been looked at since
  SELECT id, status
    FROM jobs
   WHERE watches = -1 AND id > %(told_after)s AND (SELECT mine FROM lock) AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
     AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
   ORDER BY watches, id
   LIMIT 200
     FOR NO KEY UPDATE SKIP LOCKED),
seen AS MATERIALIZED (
  SELECT waiter.id, told.id AS told
    FROM told
   CROSS JOIN LATERAL (SELECT id FROM jobs WHERE watches = told.id ORDER BY watches, id LIMIT 1001) AS waiter
   UNION ALL
  SELECT waiter.id, told.id
    FROM told
   CROSS JOIN LATERAL (
         SELECT id
           FROM jobs
          WHERE told.status IN ('failed', 'cancelled') AND "waitPolicy" = 'failFast' AND "waitsFor" @> ARRAY[told.id]
            AND watches > 0 AND watches <> told.id
          LIMIT 1001) AS waiter
   UNION ALL
  (SELECT id, NULL
     FROM jobs
    WHERE watches = 0 AND id > %(after)s AND (SELECT mine FROM lock) AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
      AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
    ORDER BY watches, id
    LIMIT 1000)),
reached AS MATERIALIZED (SELECT id, told FROM seen ORDER BY told NULLS LAST, id LIMIT 1000),
free AS MATERIALIZED (
  SELECT id, "waitsFor", "waitPolicy", watches, "updatedAt", coalesce(cardinality("waitsFor"), 0) AS edges
    FROM jobs
   WHERE id = ANY (ARRAY(SELECT id FROM reached)) AND watches >= 0 AND status || '' = 'queued'
     FOR NO KEY UPDATE SKIP LOCKED),
taken AS MATERIALIZED (  -- the first always, however many it waits for
  SELECT id, "waitsFor", "waitPolicy", "updatedAt"
    FROM (SELECT free.*, sum(edges) OVER (ORDER BY watches DESC, id) - edges AS before FROM free) AS run
   WHERE before < 20000),
edge AS MATERIALIZED (
  SELECT taken.id, dependency.id AS "on", found.status, found.awaited
    FROM taken
    LEFT JOIN LATERAL unnest(taken."waitsFor") AS dependency (id) ON true  -- who waits for nothing is decided, too
    LEFT JOIN LATERAL (SELECT status, awaited FROM jobs WHERE jobs.id = dependency.id LIMIT 1) AS found ON true),
state AS MATERIALIZED (
  SELECT id, max("on") FILTER (WHERE status IN ('queued', 'processing')) AS watch,  -- the latest live one will rather end last
         min("on") FILTER (WHERE status = 'failed') AS failed, min("on") FILTER (WHERE status = 'cancelled') AS cancelled,
         min("on") FILTER (WHERE status IS NULL) AS missing
    FROM edge
   GROUP BY id),
held AS MATERIALIZED (
  -- The end of a job cannot pass this lock: it comes before, and is seen here, or after, and sees that somebody waits.
  SELECT id, status, awaited
    FROM jobs
   WHERE id = ANY (ARRAY(SELECT watch FROM state WHERE watch IS NOT NULL UNION SELECT "on" FROM edge WHERE awaited IS NOT TRUE))
     FOR NO KEY UPDATE SKIP LOCKED),
unsure AS MATERIALIZED (  -- who must hear of the first failure: nobody tells of one that came in between
  SELECT DISTINCT edge.id
    FROM edge
    JOIN taken ON taken.id = edge.id AND taken."waitPolicy" = 'failFast'
    LEFT JOIN held ON held.id = edge."on"
   WHERE edge.awaited IS NOT TRUE AND edge.status IN ('queued', 'processing')
     AND (held.status IN ('queued', 'processing')) IS NOT TRUE),
decided AS MATERIALIZED (
  SELECT state.id, state.watch,
         CASE WHEN taken."waitPolicy" = 'failFast' AND state.failed IS NOT NULL THEN 'failed'
              WHEN taken."waitPolicy" = 'failFast' AND state.cancelled IS NOT NULL THEN 'cancelled'
              WHEN unsure.id IS NOT NULL THEN 'locked'
              WHEN state.watch IS NOT NULL AND held.status IN ('queued', 'processing') THEN 'watch'
              WHEN state.watch IS NOT NULL THEN 'locked'  -- or it has just ended
              -- The transaction that inserts it may be open.
              WHEN state.missing IS NOT NULL AND taken."updatedAt" > clock_timestamp() - interval '60 seconds' THEN 'missing'
              WHEN taken."waitPolicy" = 'ended' THEN 'release'
              WHEN coalesce(state.failed, state.missing) IS NOT NULL THEN 'failed'
              WHEN state.cancelled IS NOT NULL THEN 'cancelled'
              ELSE 'release' END AS verdict,
         CASE WHEN state.failed IS NOT NULL THEN 'waited for job ' || state.failed || ', which failed'
              WHEN state.missing IS NOT NULL THEN 'waited for job ' || state.missing || ', which is not in the table'
              ELSE 'waited for job ' || state.cancelled || ', which was cancelled' END AS error
    FROM state
    JOIN taken ON taken.id = state.id
    LEFT JOIN held ON held.id = state.watch
    LEFT JOIN unsure ON unsure.id = state.id),
change AS MATERIALIZED (  -- one row a job: of two changes to a row a statement keeps one
  SELECT id, max(verdict) AS verdict, max(watch) AS watch, max(error) AS error, bool_or(mark) AS mark, bool_or(clear) AS clear
    FROM (SELECT id, verdict, watch, error, false AS mark, false AS clear FROM decided
           UNION ALL
          SELECT id, NULL, NULL, NULL, true, false FROM held WHERE awaited IS NOT TRUE
           UNION ALL
          SELECT told.id, NULL, NULL, NULL, false, true
            FROM told
           WHERE (SELECT count(*) FROM seen WHERE seen.told = told.id)
                 = (SELECT count(*) FROM seen JOIN decided ON decided.id = seen.id WHERE seen.told = told.id)) AS each
   GROUP BY id),
written AS (
  UPDATE jobs j
     SET revision = j.revision + 1,
         awaited = j.awaited OR change.mark,
         watches = CASE WHEN change.verdict = 'watch' THEN change.watch
                        WHEN change.verdict IN ('locked', 'missing') THEN 0
                        WHEN change.verdict = 'release' THEN NULL
                        WHEN change.verdict IN ('failed', 'cancelled') THEN CASE WHEN j.awaited OR change.mark THEN -1 END
                        WHEN change.clear THEN NULL
                        ELSE j.watches END,
         status = CASE WHEN change.verdict IN ('failed', 'cancelled') THEN change.verdict ELSE j.status END,
         "errorMessage" = CASE WHEN change.verdict IN ('failed', 'cancelled') THEN change.error ELSE j."errorMessage" END,
         "finishedAt" = CASE WHEN change.verdict IN ('failed', 'cancelled') THEN clock_timestamp() ELSE j."finishedAt" END,
         "runAt" = CASE WHEN change.verdict = 'release' THEN greatest(j."notBefore", clock_timestamp())
                        WHEN change.verdict IN ('failed', 'cancelled') THEN coalesce(j."notBefore", clock_timestamp())
                        ELSE j."runAt" END,
         "notBefore" = CASE WHEN change.verdict IN ('release', 'failed', 'cancelled') THEN NULL ELSE j."notBefore" END,
         "updatedAt" = CASE WHEN change.verdict IN ('release', 'failed', 'cancelled') THEN clock_timestamp() ELSE j."updatedAt" END
    FROM change
   WHERE j.id = change.id
     AND (change.mark OR change.clear OR change.verdict IN ('release', 'failed', 'cancelled')
          OR j.watches <> CASE change.verdict WHEN 'watch' THEN change.watch ELSE 0 END)
  RETURNING change.verdict, change.clear, j.id, j.type, j.queue, j."errorMessage" AS error),
event_rows AS (
  INSERT INTO events (kind, subject, queue, type, count, detail)
  SELECT 'job.failed', type, queue, type, count(*),
         jsonb_build_object('jobId', max(id), 'error', (array_agg(left(error, 500) ORDER BY id DESC))[1])
    FROM written
   WHERE verdict = 'failed'
   GROUP BY queue, type),
woken AS MATERIALIZED (SELECT pg_notify('rowcrew_wake', '') FROM written WHERE verdict = 'release' LIMIT 1)
SELECT (SELECT mine FROM lock) AS mine,
       (SELECT count(*) FROM written WHERE verdict = 'release') AS released,
       (SELECT count(*) FROM written WHERE verdict IN ('failed', 'cancelled')) AS ended,
       (SELECT count(*) FROM written WHERE verdict = 'watch' OR clear) AS moved,
       (SELECT count(*) FROM change WHERE verdict = 'locked')
       + (SELECT count(*) FROM seen WHERE id NOT IN (SELECT id FROM decided)) AS left,
       -- Up to here all were decided, or somebody holds them: a look that achieved nothing goes on behind.
       (SELECT max(id) FROM reached
         WHERE told IS NULL AND id < coalesce((SELECT min(id) FROM free WHERE watches = 0 AND id NOT IN (SELECT id FROM taken)),
                                              9223372036854775807)) AS "cameTo",
       (SELECT max(told) FROM reached) AS "toldTo"
  FROM (SELECT) AS once
  LEFT JOIN woken ON true
