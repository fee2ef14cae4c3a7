-- Enter a worker; its bootId makes sure that an id issued twice after a fail-over is noticed. One that was declared lost
-- stays asked what its former row asks.
INSERT INTO workers ("bootId", name, host, pid, "processKey", version, queues, types, slots, "leaseSeconds", asked)
VALUES (%(boot)s, %(name)s, %(host)s, %(pid)s, %(process_key)s, %(version)s, %(queues)s, %(types)s, %(slots)s,
        %(lease_seconds)s, (SELECT former.asked FROM workers former WHERE former."bootId" = %(former)s))
RETURNING id, (SELECT count(*) FROM workers w
                WHERE w.name = %(name)s AND w."lostAt" IS NULL AND w."stoppedAt" IS NULL
                  AND w."heartbeatAt" > clock_timestamp() - w."leaseSeconds" * interval '1 second') AS namesakes,
          asked
