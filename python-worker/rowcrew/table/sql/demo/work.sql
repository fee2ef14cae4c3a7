-- The jobs of the demonstration of a shutdown.
SELECT id, type, status, attempts, checkpoint,
       progress -> 'current' AS step
  FROM jobs ORDER BY id
