-- How many of these jobs ran at the same time, at most.
SELECT max(number) AS jobs
  FROM (SELECT count(*) AS number
          FROM jobs a JOIN jobs b ON b."startedAt" <= a."startedAt" AND b."finishedAt" > a."startedAt"
         WHERE a.id = ANY (%(ids)s) AND b.id = ANY (%(ids)s)
         GROUP BY a.id) AS moments
