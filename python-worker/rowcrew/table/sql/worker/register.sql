-- Enter a worker; its bootId makes sure that an id issued twice after a fail-over is noticed. One that was declared lost
-- stays asked what its former row asks. A launched one finds its row there, once. A late one is let in only while a place is
-- free, after lock_queues in the same transaction. On time ends before others give the launch up, so that nobody counts between.
INSERT INTO workers AS w ("bootId", name, host, pid, "processKey", version, queues, types, slots, "leaseSeconds", asked, "registeredAt")
VALUES (%(boot)s, %(name)s, %(host)s, %(pid)s, %(process_key)s, %(version)s, %(queues)s, %(types)s, %(slots)s,
        %(lease_seconds)s, (SELECT former.asked FROM workers former WHERE former."bootId" = %(former)s), clock_timestamp())
ON CONFLICT ("bootId") DO UPDATE
   SET name = excluded.name, host = excluded.host, pid = excluded.pid, "processKey" = excluded."processKey",
       version = excluded.version, queues = excluded.queues, types = excluded.types, slots = excluded.slots,
       "leaseSeconds" = excluded."leaseSeconds", "startedAt" = clock_timestamp(), "heartbeatAt" = clock_timestamp(),
       "registeredAt" = clock_timestamp(), "stoppedAt" = NULL, "stopReason" = NULL, "errorMessage" = NULL
 WHERE w."registeredAt" IS NULL AND w."lostAt" IS NULL
   AND (w."stoppedAt" IS NULL AND abs(extract(epoch FROM clock_timestamp() - w."launchedAt")) < 100
        OR %(is_late)s
       AND (SELECT count(*) FROM worker_status other
             WHERE other.id <> w.id AND other.state IN ('live', 'launching')
               AND (w.queues && other.queues OR other.queues = '{}'))
           < coalesce((SELECT min("maxConcurrent") FROM queues WHERE queue = ANY (w.queues)), 1))
RETURNING id, (SELECT count(*) FROM workers other
                WHERE other.name = %(name)s AND other."bootId" <> %(boot)s AND other."lostAt" IS NULL AND other."stoppedAt" IS NULL
                  AND other."heartbeatAt" > clock_timestamp() - other."leaseSeconds" * interval '1 second') AS namesakes,
          asked
