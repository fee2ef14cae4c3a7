-- Delete ticks that were fired more than thirty days ago, a thousand of each schedule.
DELETE FROM schedule_ticks AS t
 USING schedules AS s
 CROSS JOIN LATERAL (
       SELECT old.tick FROM schedule_ticks AS old
        WHERE old.schedule = s.name AND old.tick < clock_timestamp() - interval '30 days'
          AND old."firedAt" < clock_timestamp() - interval '30 days'
        ORDER BY old.tick
        LIMIT 1000) AS old
 WHERE t.schedule = s.name AND t.tick = old.tick
