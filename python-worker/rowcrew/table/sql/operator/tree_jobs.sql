-- Jobs of a tree: how each stands, what it waits for now, how long its last run took.
SELECT id, type, queue, status, attempts, "maxAttempts", "errorMessage", "parentId",
       coalesce("waitsFor", '{}') AS "waitsFor", "waitPolicy", status = 'queued' AND watches IS NOT NULL AS waits,
       CASE WHEN status = 'processing' OR "finishedAt" IS NOT NULL THEN
            CAST(extract(epoch FROM coalesce("finishedAt", clock_timestamp()) - "startedAt") AS float8)
       END AS "runSeconds", "createdAt", "startedAt", "finishedAt"
  FROM jobs
 WHERE id = ANY (CAST(%(ids)s AS bigint[]))
 ORDER BY id
