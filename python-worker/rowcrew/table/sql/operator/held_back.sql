-- Which limits hold back a ready job of this queue and key now, and how many each of them counts.
WITH rule AS MATERIALIZED (
  SELECT 'queue' AS of, queue AS name, 'queue ' || queue AS scope, paused, "maxConcurrent" AS most, "rateLimit" AS rate,
         "ratePeriodSeconds" AS period, until
    FROM queues WHERE queue = CAST(%(queue)s AS text)
  UNION ALL
  SELECT 'queue-key', queue, 'queue ' || queue || ' key ' || CAST(%(key)s AS text), false, "maxConcurrentPerKey",
         "rateLimitPerKey", "ratePeriodSeconds", until
    FROM queues WHERE queue = CAST(%(queue)s AS text) AND CAST(%(key)s AS text) IS NOT NULL
  UNION ALL
  SELECT 'key', key, 'key ' || key, false, "maxConcurrent", "rateLimit", "ratePeriodSeconds", until
    FROM limits WHERE key = CAST(%(key)s AS text)),
counted AS (
  SELECT rule.*,
         CASE WHEN most IS NOT NULL THEN
              (SELECT count(*) FROM jobs
                WHERE CASE of WHEN 'key' THEN "concurrencyKey" = CAST(%(key)s AS text) AND "placeAt" IS NOT NULL
                              WHEN 'queue-key' THEN queue = CAST(%(queue)s AS text) AND "placeAt" > '-infinity'
                                                    AND "concurrencyKey" = CAST(%(key)s AS text)
                              ELSE queue = CAST(%(queue)s AS text) AND "placeAt" > '-infinity' END
                  AND (status = 'processing' OR "updatedAt" > clock_timestamp() - interval '30 seconds')) END AS places,
         CASE WHEN rate IS NOT NULL THEN rowcrew_started(scope, period, clock_timestamp()) END AS begun
    FROM rule)
SELECT of, name, 'paused' AS kind, 0 AS most, 0::bigint AS used, period,
       extract(epoch FROM until - clock_timestamp())::float8 AS "againSeconds"
  FROM counted WHERE paused
UNION ALL
SELECT of, name, 'places', most, places, period, extract(epoch FROM until - clock_timestamp())::float8
  FROM counted WHERE places >= most
UNION ALL
SELECT of, name, 'rate', rate, begun, period,
       (SELECT extract(epoch FROM "startedAt" + period * interval '1 second' - clock_timestamp())::float8
          FROM starts
         WHERE starts.scope = counted.scope AND "startedAt" > clock_timestamp() - period * interval '1 second'
         ORDER BY starts.scope, "startedAt", total LIMIT 1)
  FROM counted WHERE begun >= rate
