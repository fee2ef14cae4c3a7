-- What live workers offer each of the given pairs of queue and type.
WITH live AS MATERIALIZED (
  SELECT name, queues, types, slots, least(running, slots) AS taken
    FROM worker_status
   WHERE state = 'live'),
latest AS MATERIALIZED (
  SELECT name, extract(epoch FROM clock_timestamp() - "heartbeatAt")::float8 AS seconds
    FROM worker_status
   ORDER BY "heartbeatAt" DESC
   LIMIT 1)
SELECT pair.queue, pair.type,
       count(offer.name) AS live,
       count(*) FILTER (WHERE offer.served) AS "inQueue",
       count(*) FILTER (WHERE offer.served AND offer.known) AS serving,
       coalesce(sum(offer.slots) FILTER (WHERE offer.served AND offer.known), 0)::bigint AS slots,
       coalesce(sum(offer.taken) FILTER (WHERE offer.served AND offer.known), 0)::bigint AS taken,
       coalesce(array_agg(offer.name) FILTER (WHERE offer.known AND NOT offer.served), '{}') AS elsewhere,
       ARRAY(SELECT DISTINCT unnest(queues) FROM live) AS "servedQueues",
       ARRAY(SELECT DISTINCT unnest(types) FROM live WHERE pair.queue = ANY (queues) OR queues = '{}') AS "knownTypes",
       (SELECT name FROM latest) AS "lastWorker",
       (SELECT seconds FROM latest) AS "lastHeardSeconds",
       ARRAY(SELECT name FROM worker_status
              WHERE state = 'draining' AND pair.type = ANY (types)
                AND (pair.queue = ANY (queues) OR queues = '{}')) AS draining
  FROM unnest(%(queues)s::text[], %(types)s::text[]) AS pair (queue, type)
  LEFT JOIN LATERAL (
       SELECT name, slots, taken,
              pair.queue = ANY (queues) OR queues = '{}' AS served,  -- none named: all queues
              pair.type = ANY (types) AS known
         FROM live
       ) AS offer ON true
 GROUP BY pair.queue, pair.type
