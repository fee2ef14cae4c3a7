-- Schedules by name: their rules, how they stand and what became of the last tick.
SELECT s.name, s.cron, s."everySeconds", s."timezone", s."startAt", s."endAt", s.type, s.payload::text, s.queue, s.priority,
       s."maxAttempts", s."jitterSeconds", s.missed, s.overlap, s."pauseAfterFailures", s.paused, s."pauseReason", s.problem,
       s.source, s."declaredBy", s."nextAt", s."waitingTick", s."lastAt", s."lastJobId", last.status AS "lastStatus",
       s."createdAt", s."updatedAt"
  FROM schedules AS s
  LEFT JOIN jobs AS last ON last.id = s."lastJobId"
 WHERE CAST(%(name)s AS text) IS NULL OR s.name = %(name)s
 ORDER BY s.name
