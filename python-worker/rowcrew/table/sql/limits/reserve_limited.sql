-- Reserve up to room ready jobs of one queue under limits. After lock_limits, in the same transaction: a new snapshot.
WITH RECURSIVE rule AS MATERIALIZED (
  SELECT q."maxConcurrent", q."maxConcurrentPerKey", q."rateLimit", q."rateLimitPerKey", q."ratePeriodSeconds" AS period,
         clock_timestamp() AS now, coalesce(q.limited, false) AS whole,
         coalesce(q."maxConcurrentPerKey", q."rateLimitPerKey") IS NOT NULL AS keyed
    FROM (SELECT) AS once LEFT JOIN queues q ON q.queue = %(queue)s
   WHERE q.paused IS NOT TRUE),
held AS MATERIALIZED (  -- places taken: by runs, and for 30 s by runs whose row a hand has changed
  SELECT "concurrencyKey" AS key, count(*) AS number, min("placeAt") AS oldest
    FROM jobs
   WHERE queue = %(queue)s AND "placeAt" >= %(place_floor)s::timestamptz AND "placeAt" > '-infinity'
     AND (status = 'processing' OR "updatedAt" > clock_timestamp() - interval '30 seconds')
   GROUP BY "concurrencyKey"),
room AS MATERIALIZED (
  SELECT greatest(0, least(%(room)s::bigint, "maxConcurrent" - (SELECT coalesce(sum(number), 0) FROM held), rate)) AS free, rate
    FROM (SELECT "maxConcurrent", CASE WHEN "rateLimit" IS NOT NULL
                 THEN "rateLimit" - rowcrew_started('queue ' || %(queue)s, period, now) END AS rate
            FROM rule) AS counted),
walk AS (  -- the keys that wait, from the one after the last served and around: one step of a loose index scan a key
  (SELECT first.key, first.around, 1 AS step
     FROM (SELECT FROM rule WHERE keyed) AS once
    CROSS JOIN LATERAL (
          (SELECT "concurrencyKey" AS key, false AS around
             FROM jobs
            WHERE queue = %(queue)s AND status = 'queued' AND "concurrencyKey" IS NOT NULL AND "concurrencyKey" > %(after)s
            ORDER BY queue, "concurrencyKey" LIMIT 1)
          UNION ALL
          (SELECT "concurrencyKey", true
             FROM jobs
            WHERE queue = %(queue)s AND status = 'queued' AND "concurrencyKey" IS NOT NULL AND "concurrencyKey" <= %(after)s
            ORDER BY queue, "concurrencyKey" LIMIT 1)
          ORDER BY around LIMIT 1) AS first
    WHERE (SELECT free FROM room) > 0)
  UNION ALL
  SELECT next.key, next.around, walk.step + 1
    FROM walk
   CROSS JOIN LATERAL (
         (SELECT "concurrencyKey" AS key, walk.around
            FROM jobs
           WHERE queue = %(queue)s AND status = 'queued' AND "concurrencyKey" IS NOT NULL AND "concurrencyKey" > walk.key
             AND (NOT walk.around OR "concurrencyKey" <= %(after)s)
           ORDER BY queue, "concurrencyKey" LIMIT 1)
         UNION ALL
         (SELECT "concurrencyKey", true
            FROM jobs
           WHERE NOT walk.around
             AND queue = %(queue)s AND status = 'queued' AND "concurrencyKey" IS NOT NULL AND "concurrencyKey" <= %(after)s
           ORDER BY queue, "concurrencyKey" LIMIT 1)
         ORDER BY around LIMIT 1) AS next
   WHERE walk.step < %(steps)s),
turn AS MATERIALIZED (
  SELECT key, step FROM walk
  UNION ALL
  SELECT key, number FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS named (key, number) WHERE NOT (SELECT keyed FROM rule)),
open AS MATERIALIZED (  -- how many more each key may have
  SELECT turn.key, turn.step, rates.own, rates.named, everywhere.oldest, named."maxConcurrent" IS NOT NULL AS counted,
         least(room.free, rule."maxConcurrentPerKey" - coalesce(held.number, 0), named."maxConcurrent" - everywhere.number,
               rates.own, rates.named) AS free
    FROM turn CROSS JOIN rule CROSS JOIN room
    LEFT JOIN held ON held.key = turn.key
    LEFT JOIN limits named ON named.key = turn.key
    LEFT JOIN unnest(%(floor_keys)s::text[], %(key_floors)s::timestamptz[]) AS floor (key, at) ON floor.key = turn.key
   CROSS JOIN LATERAL (
         SELECT count(*) AS number, min("placeAt") AS oldest FROM jobs
          WHERE named."maxConcurrent" IS NOT NULL AND "concurrencyKey" = turn.key
            AND "placeAt" >= coalesce(floor.at, '-infinity')
            AND (status = 'processing' OR "updatedAt" > clock_timestamp() - interval '30 seconds')) AS everywhere
   CROSS JOIN LATERAL (
         SELECT CASE WHEN rule."rateLimitPerKey" IS NOT NULL
                     THEN rule."rateLimitPerKey"
                          - rowcrew_started('queue ' || %(queue)s || ' key ' || turn.key, rule.period, rule.now) END AS own,
                CASE WHEN named."rateLimit" IS NOT NULL
                     THEN named."rateLimit" - rowcrew_started('key ' || turn.key, named."ratePeriodSeconds", rule.now)
                END AS named) AS rates
   WHERE named.key IS NULL OR named.key = ANY (%(keys)s::text[])),
candidate AS MATERIALIZED (  -- locked as they are found: a row that a hand holds is passed over
  SELECT ready.id, ready.place, ready.priority, ready.rank, open.step, 1 AS source
    FROM open
   CROSS JOIN LATERAL (
         SELECT best.id, best.place, best.priority, row_number() OVER () AS rank
           FROM (SELECT id, ctid AS place, priority
                   FROM jobs
                  WHERE queue = %(queue)s AND status = 'queued' AND "concurrencyKey" = open.key
                    AND "runAt" <= now() AND type = ANY (%(types)s::text[])
                    AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
                    AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
                  ORDER BY priority DESC, "runAt", id
                  LIMIT least(open.free, 1 + 2 * (SELECT free FROM room) / (SELECT count(*) FROM open WHERE free > 0))
                    FOR NO KEY UPDATE SKIP LOCKED) AS best) AS ready
   WHERE open.free > 0
  UNION ALL
  (SELECT ready.id, ready.place, probe.priority, row_number() OVER (), 0, %(line_turn)s  -- 0 or 2: rows without a limited key first or last
     FROM unnest(%(priorities)s::smallint[], %(floors)s::timestamptz[], %(floor_ids)s::bigint[]) AS probe (priority, floor, floor_id)
    CROSS JOIN LATERAL (
          SELECT id, ctid AS place
            FROM jobs
           WHERE queue = %(queue)s AND status = 'queued' AND priority = probe.priority
             AND "runAt" <= now() AND ("runAt", id) > (least(probe.floor, now() - interval '100 milliseconds'),
                 CASE WHEN probe.floor <= now() - interval '100 milliseconds' THEN probe.floor_id ELSE 0 END)
             AND type = ANY (%(types)s::text[])
             AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
             AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
             AND ("concurrencyKey" IS NULL
                  OR ("concurrencyKey" NOT IN (SELECT key FROM limits) AND NOT (SELECT keyed FROM rule)))
           ORDER BY "runAt", id
           LIMIT (SELECT free FROM room)
             FOR NO KEY UPDATE SKIP LOCKED) AS ready
    WHERE (SELECT whole FROM rule) AND (SELECT free FROM room) > 0
    LIMIT CASE WHEN NOT %(by_id)s THEN (SELECT free FROM room) END)),
chosen AS MATERIALIZED (
  SELECT id, place, source FROM candidate ORDER BY CASE WHEN %(by_id)s THEN id END, priority DESC, source, rank, step LIMIT (SELECT free FROM room)),
taken AS (
  UPDATE jobs
     SET status = 'processing', attempts = attempts + 1, "workerId" = %(worker)s, "leaseId" = gen_random_uuid(),
         "startedAt" = rule.now, "placeAt" = rule.now, "finishedAt" = NULL, "updatedAt" = rule.now, revision = revision + 1
    FROM rule
   WHERE jobs.ctid = ANY (ARRAY(SELECT place FROM chosen))
     AND NOT EXISTS (SELECT FROM workers WHERE id = %(worker)s AND "lostAt" IS NOT NULL)
  RETURNING jobs.id, "leaseId"::text AS lease, type, queue, priority, attempts, jobs."maxAttempts", crashes, "timeoutSeconds",
            ("runAt" AT TIME ZONE 'UTC')::text AS run_at, payload::text, checkpoint::text, "concurrencyKey" AS key,
            extract(epoch FROM "startedAt" - "runAt")::float8 AS wait_seconds, left(traceparent, 55) AS traceparent),
logged AS (
  INSERT INTO starts (scope, "startedAt", count, total)
  SELECT begun.scope, rule.now, begun.number, begun.number + coalesce(last.total, 0)
    FROM rule
   CROSS JOIN LATERAL (
         SELECT 'queue ' || %(queue)s AS scope, count(*) AS number FROM taken WHERE rule."rateLimit" IS NOT NULL
         UNION ALL
         SELECT 'queue ' || %(queue)s || ' key ' || key, count(*) FROM taken
          WHERE rule."rateLimitPerKey" IS NOT NULL AND key IS NOT NULL GROUP BY key
         UNION ALL
         SELECT 'key ' || taken.key, count(*) FROM taken JOIN limits ON limits.key = taken.key AND limits."rateLimit" IS NOT NULL
          GROUP BY taken.key) AS begun
    LEFT JOIN LATERAL (SELECT total FROM starts WHERE scope = begun.scope
                        ORDER BY scope DESC, "startedAt" DESC, total DESC LIMIT 1) AS last ON true
   WHERE begun.number > 0),
used_up AS (  -- windows with no room left; each opens again when its oldest start leaves it
  SELECT 'queue ' || %(queue)s AS scope, period FROM rule WHERE (SELECT rate FROM room) <= 0
  UNION ALL
  SELECT 'queue ' || %(queue)s || ' key ' || key, period FROM open CROSS JOIN rule WHERE own <= 0
  UNION ALL
  SELECT 'key ' || key, "ratePeriodSeconds" FROM open JOIN limits USING (key) WHERE named <= 0)
SELECT (SELECT free FROM room)::integer AS free,
       (SELECT count(*) FROM candidate WHERE source <> 1) < (SELECT free FROM room)
         AND NOT EXISTS (SELECT FROM candidate WHERE source <> 1 AND id NOT IN (SELECT id FROM chosen)) AS "lineDone",
       (SELECT min(extract(epoch FROM oldest."startedAt" + used_up.period * interval '1 second' - rule.now))::float8
          FROM used_up
         CROSS JOIN LATERAL (
               SELECT "startedAt" FROM starts
                WHERE scope = used_up.scope AND "startedAt" > rule.now - used_up.period * interval '1 second'
                ORDER BY scope, "startedAt", total LIMIT 1) AS oldest) AS "againSeconds",
       -- The next walk begins behind the last key served; behind the last one seen when there are more and none was.
       coalesce((SELECT turn.key FROM taken JOIN turn ON turn.key = taken.key ORDER BY turn.step DESC LIMIT 1),
                (SELECT key FROM turn WHERE step >= least(%(steps)s, 200) ORDER BY step DESC LIMIT 1), %(after)s) AS "walkedTo",
       (coalesce((SELECT min(oldest) FROM held), rule.now) - interval '1 second')::text AS "placeFloor",
       ARRAY(SELECT key FROM open WHERE counted ORDER BY key) AS "floorKeys",
       ARRAY(SELECT (coalesce(oldest, rule.now) - interval '1 second')::text FROM open WHERE counted ORDER BY key) AS "keyFloors",
       ((now() - interval '10 seconds') AT TIME ZONE 'UTC')::text AS settled,
       taken.id IN (SELECT id FROM chosen WHERE source <> 1) AS "fromLine",
       taken.id, taken.lease AS "leaseId", taken.type, taken.queue, taken.priority, taken.attempts AS attempt, taken."maxAttempts",
       taken.crashes, taken."timeoutSeconds", taken.run_at AS "runAt", taken.payload, taken.checkpoint,
       taken.wait_seconds AS "waitSeconds", taken.traceparent
  FROM rule
  LEFT JOIN taken ON true
