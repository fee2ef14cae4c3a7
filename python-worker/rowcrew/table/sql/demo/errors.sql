-- Why jobs did not complete.
SELECT id, type, status, "errorMessage" FROM jobs WHERE status IN ('failed', 'cancelled') ORDER BY id
