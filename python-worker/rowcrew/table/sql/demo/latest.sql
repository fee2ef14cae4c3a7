-- The newest jobs.
SELECT id, type, status, "createdAt", "updatedAt" FROM jobs ORDER BY "createdAt" DESC LIMIT 10;
