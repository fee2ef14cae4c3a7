-- Forget workers that left long ago, or never came, and to which nothing refers.
DELETE FROM workers w
 WHERE coalesce(w."stoppedAt", w."lostAt", CASE WHEN w."registeredAt" IS NULL THEN w."launchedAt" END) < clock_timestamp() - CAST(%(days)s AS integer) * interval '1 day'
   AND NOT EXISTS (SELECT FROM jobs j WHERE j."workerId" = w.id AND j.status = 'processing')
