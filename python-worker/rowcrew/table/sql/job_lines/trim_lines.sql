-- Of what these jobs have said keep the first quarter and the last half of what they may; the next row tells how many lines went.
WITH counted AS MATERIALIZED (
  SELECT l."jobId", l.id,
         sum(octet_length(l.text)) OVER oldest AS bytes_up_to, sum(greatest(l.lines, 1)) OVER oldest AS lines_up_to,
         sum(octet_length(l.text)) OVER newest AS bytes_from, sum(greatest(l.lines, 1)) OVER newest AS lines_from
    FROM job_logs l
   WHERE l."jobId" = ANY (%(jobs)s::bigint[])
  WINDOW oldest AS (PARTITION BY l."jobId" ORDER BY l.id), newest AS (PARTITION BY l."jobId" ORDER BY l.id DESC)),
gone AS (
  DELETE FROM job_logs l
   USING counted c
   WHERE l."jobId" = c."jobId" AND l.id = c.id
     AND (c.bytes_up_to > %(most_bytes)s::bigint / 4 OR c.lines_up_to > %(most_lines)s::bigint / 4)
     AND (c.bytes_from > %(most_bytes)s::bigint / 2 OR c.lines_from > %(most_lines)s::bigint / 2)
  RETURNING l."jobId", l.id, l.lines + l.dropped AS lines),
gap AS (
  SELECT "jobId", max(id) AS last, sum(lines)::integer AS lines FROM gone GROUP BY "jobId")
UPDATE job_logs l
   SET dropped = l.dropped + gap.lines
  FROM gap
 WHERE l."jobId" = gap."jobId"
   AND l.id = (SELECT min(c.id) FROM counted c WHERE c."jobId" = gap."jobId" AND c.id > gap.last)
