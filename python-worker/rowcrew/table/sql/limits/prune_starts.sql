-- Forget starts that no window reaches: of a scope in use all but the newest of the old ones, of an idle one all.
WITH RECURSIVE keep AS MATERIALIZED (
  SELECT clock_timestamp() - interval '1 second' * greatest(3600, 2 * (SELECT max("ratePeriodSeconds") FROM queues),
                                                            2 * (SELECT max("ratePeriodSeconds") FROM limits)) AS since),
scopes AS (
  (SELECT scope, 1 AS step FROM starts WHERE scope > %(after)s ORDER BY scope LIMIT 1)
  UNION ALL
  (SELECT next.scope, scopes.step + 1
     FROM scopes
    CROSS JOIN LATERAL (SELECT scope FROM starts WHERE scope > scopes.scope ORDER BY scope LIMIT 1) AS next
    WHERE scopes.step < %(batch)s)),
old AS MATERIALIZED (
  SELECT scopes.scope, newest."startedAt" AS below, newest."startedAt" = last."startedAt" AS idle
    FROM scopes
   CROSS JOIN keep
   CROSS JOIN LATERAL (SELECT "startedAt" FROM starts WHERE scope = scopes.scope AND "startedAt" < keep.since
                        ORDER BY scope DESC, "startedAt" DESC LIMIT 1) AS newest
   CROSS JOIN LATERAL (SELECT "startedAt" FROM starts WHERE scope = scopes.scope
                        ORDER BY scope DESC, "startedAt" DESC LIMIT 1) AS last),
gone AS (
  DELETE FROM starts USING old
   WHERE starts.scope = old.scope AND (starts."startedAt" < old.below OR old.idle AND starts."startedAt" = old.below)
  RETURNING 1)
SELECT (SELECT CASE WHEN count(*) = %(batch)s THEN max(scope) END FROM scopes) AS "cameTo", (SELECT count(*) FROM gone) AS deleted
