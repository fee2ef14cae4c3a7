-- Prove life, and read what this worker is asked. No row: it was declared lost, fence now. Touches no other table, so no
-- lock on jobs can stop it.
UPDATE workers
   SET beats = beats + 1, "heartbeatAt" = clock_timestamp(), "memoryBytes" = %(memory)s, "cpuPercent" = %(cpu)s,
       restarts = %(restarts)s
 WHERE id = %(worker)s AND "bootId" = %(boot)s AND "lostAt" IS NULL AND "stoppedAt" IS NULL
RETURNING asked
