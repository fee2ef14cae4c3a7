-- Have another look at jobs that watch one which is gone, or ended without a word: after a DELETE by hand, say.
WITH walk AS MATERIALIZED (
  SELECT id, watches
    FROM jobs
   WHERE watches > 0 AND (watches, id) > (%(after)s, %(after_id)s)
   ORDER BY watches, id
   LIMIT %(batch)s),
stale AS MATERIALIZED (
  SELECT walk.id
    FROM walk
    LEFT JOIN LATERAL (SELECT status, watches FROM jobs WHERE jobs.id = walk.watches LIMIT 1) AS found ON true
   WHERE found.status IS NULL OR (found.status IN ('completed', 'failed', 'cancelled') AND found.watches IS NULL)),
unlocked AS MATERIALIZED (
  SELECT id
    FROM jobs
   WHERE id = ANY (ARRAY(SELECT id FROM stale)) AND watches > 0 AND status || '' = 'queued'
   ORDER BY id
     FOR NO KEY UPDATE SKIP LOCKED),
again AS (
  UPDATE jobs SET watches = 0, revision = revision + 1 WHERE id = ANY (ARRAY(SELECT id FROM unlocked)) RETURNING id)
SELECT last.watches AS "cameTo", last.id AS "cameToId", (SELECT count(*) FROM again) AS again
  FROM (SELECT) AS once
  LEFT JOIN (SELECT watches, id FROM walk ORDER BY watches DESC, id DESC LIMIT 1) AS last ON true
