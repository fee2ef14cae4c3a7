-- Whether the newest job has ended: one look at the primary key, so that waiting for a drain costs it nothing.
SELECT "finishedAt" IS NOT NULL FROM jobs ORDER BY id DESC LIMIT 1
