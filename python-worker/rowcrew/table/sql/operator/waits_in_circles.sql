-- Jobs that wait for each other, by hand or as children of what they wait for: none of them would ever run. Each waiter
-- watches one job, so a circle is a path of such pointers that comes back to its start.
WITH RECURSIVE path AS (
  SELECT id AS start, watches AS "next", ARRAY[id] AS jobs
    FROM jobs
   WHERE watches > 0 AND watches >= id
   UNION ALL
  SELECT path.start, job.watches, path.jobs || job.id
    FROM path
   CROSS JOIN LATERAL (SELECT id, watches FROM jobs WHERE jobs.id = path."next" AND watches > 0 LIMIT 1) AS job
   WHERE path."next" <> ALL (path.jobs) AND cardinality(path.jobs) < 1000)
SELECT DISTINCT ON (members.sorted) path.start AS id, path.jobs
  FROM path
 CROSS JOIN LATERAL (SELECT array_agg(job ORDER BY job) AS sorted FROM unnest(path.jobs) AS job) AS members
 WHERE path."next" = path.start
 ORDER BY members.sorted, path.start
 LIMIT 20
