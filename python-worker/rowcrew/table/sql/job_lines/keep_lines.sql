-- Keep what runs have said, but for jobs that are no more. Answers the jobs that have more by now than they may.
WITH said AS MATERIALIZED (
  SELECT job, attempt, age, lines, dropped, text, place
    FROM ROWS FROM (jsonb_to_recordset(%(pieces)s::jsonb) AS (
         job bigint, attempt smallint, age float8, lines integer, dropped integer, text text))
         WITH ORDINALITY AS said (job, attempt, age, lines, dropped, text, place)),
kept AS (
  INSERT INTO job_logs ("jobId", attempt, "writtenAt", lines, dropped, text)
  SELECT job, attempt, clock_timestamp() - age * interval '1 second', lines, dropped, text
    FROM said
   WHERE (SELECT true FROM jobs j WHERE j.id = said.job LIMIT 1)
   ORDER BY place)
SELECT fresh.job
  FROM (SELECT job, sum(octet_length(text)) AS bytes, sum(lines) AS lines FROM said GROUP BY job) AS fresh
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(octet_length(l.text)), 0) AS bytes, coalesce(sum(l.lines), 0) AS lines, count(*) AS pieces
         FROM job_logs l
        WHERE l."jobId" = fresh.job) AS kept_before
 WHERE fresh.bytes + kept_before.bytes > %(most_bytes)s::bigint OR fresh.lines + kept_before.lines > %(most_lines)s::bigint
    OR kept_before.pieces > %(most_lines)s::bigint
