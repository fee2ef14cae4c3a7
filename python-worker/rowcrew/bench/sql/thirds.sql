-- Jobs after one in three parts by the order in which they ended: how many, and the seconds that each part took.
WITH ended AS (
  SELECT "finishedAt", ntile(3) OVER (ORDER BY "finishedAt") AS third
    FROM jobs
   WHERE id > %(after)s AND status = 'completed')
SELECT count(*) AS completed, extract(epoch FROM max("finishedAt") - min("finishedAt"))::float8 AS seconds
  FROM ended
 GROUP BY third
 ORDER BY third
