-- Whether a job is to be examined, and whether one waits at all. Two steps into an index that is empty where nobody waits.
SELECT EXISTS (SELECT FROM (SELECT FROM jobs WHERE watches IN (-1, 0) LIMIT 1) AS one) AS due,
       EXISTS (SELECT FROM (SELECT FROM jobs WHERE watches > 0 LIMIT 1) AS one) AS waiting
