-- Whether one job has ended: a look at the primary key.
SELECT "finishedAt" IS NOT NULL FROM jobs WHERE id = %(id)s
