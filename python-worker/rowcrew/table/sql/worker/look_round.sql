-- The names of the chores that have something to do. Steps into small tables and indexes, and nothing that a value can fail.
SELECT chore
  FROM (VALUES
    ('rescue', EXISTS (SELECT FROM workers w
                        WHERE w.id <> %(worker)s
                          AND ((w."lostAt" IS NULL AND w."stoppedAt" IS NULL)
                               OR EXISTS (SELECT FROM jobs WHERE "workerId" = w.id AND status = 'processing')))
               OR EXISTS (SELECT FROM queues WHERE "rescueForeignSeconds" IS NOT NULL)),
    ('waits', EXISTS (SELECT FROM (SELECT FROM jobs WHERE watches IN (-1, 0) LIMIT 1) AS one)
              OR EXISTS (SELECT FROM (SELECT FROM jobs WHERE watches > 0 LIMIT 1) AS one)),
    ('sweep of waits', EXISTS (SELECT FROM (SELECT FROM jobs WHERE watches > 0 LIMIT 1) AS one)),
    -- Ticks that come before the next round, and as much again: the chore waits for the moment itself.
    ('schedules', EXISTS (SELECT FROM schedules
                           WHERE NOT paused AND problem IS NULL
                             AND ("waitingTick" IS NOT NULL
                                  OR coalesce("nextAt" < clock_timestamp() + interval '20 seconds',
                                              coalesce("endAt" > clock_timestamp(), true))))),
    ('put back limits', EXISTS (SELECT FROM queues WHERE until <= clock_timestamp())
                        OR EXISTS (SELECT FROM limits WHERE until <= clock_timestamp())),
    ('events', EXISTS (SELECT FROM event_receivers)),
    ('deep queues', EXISTS (SELECT FROM queue_alarms
                             WHERE coalesce("lookedAt" < clock_timestamp() - interval '55 s', true)))) AS duty (chore, "hasWork")
 WHERE "hasWork"
