-- The newest job and whether it has ended: one look at the primary key, so that waiting for a drain costs it nothing.
SELECT id, "finishedAt" IS NOT NULL AS has_ended FROM jobs ORDER BY id DESC LIMIT 1
