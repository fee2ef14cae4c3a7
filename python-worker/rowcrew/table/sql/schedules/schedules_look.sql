-- In how many seconds the next tick is due, 0 or less for one that is or is not planned; and whether a tick waits for a
-- job to end. NULL = nothing is planned. One without a further tick stays unplanned until it ends: what comes after is told, too.
SELECT CAST(min(CASE WHEN "nextAt" IS NULL THEN 0 ELSE extract(epoch FROM "nextAt" - clock_timestamp()) END) AS float8)
         AS seconds,
       CAST(extract(epoch FROM min("nextAt") FILTER (WHERE "nextAt" > clock_timestamp()) - clock_timestamp()) AS float8)
         AS "laterSeconds",
       coalesce(bool_or("waitingTick" IS NOT NULL), false) AS waiting
  FROM schedules
 WHERE NOT paused AND problem IS NULL
   AND ("nextAt" IS NOT NULL OR "waitingTick" IS NOT NULL OR coalesce("endAt" > clock_timestamp(), true))
