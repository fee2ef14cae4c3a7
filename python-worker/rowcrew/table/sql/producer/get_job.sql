-- One job as it stands. Dates as JSON has them: the session is the caller's, and may write them in any style.
SELECT id, type, queue, status, priority, attempts, "maxAttempts",
       -- Of a job that waits: how many of those it waits for have ended.
       CAST(CASE WHEN watches >= 0 THEN (
            SELECT jsonb_build_object('current', count(*), 'total', cardinality(jobs."waitsFor"))
              FROM jobs other
             WHERE other.id = ANY (jobs."waitsFor") AND other.status IN ('completed', 'failed', 'cancelled'))
            ELSE progress END AS text) AS progress,
       CAST(result AS text) AS result, "errorMessage", to_json("createdAt") #>> '{}' AS "createdAt",
       to_json("updatedAt") #>> '{}' AS "updatedAt", to_json("runAt") #>> '{}' AS "runAt",
       to_json("startedAt") #>> '{}' AS "startedAt", to_json("finishedAt") #>> '{}' AS "finishedAt"
  FROM jobs
 WHERE id = CAST(%(id)s AS bigint)
