-- From nothing to nothing: the one job and the one worker.
SELECT step, to_char(at, 'HH24:MI:SS.MS') AS at, round(extract(epoch FROM at - "createdAt"), 2) AS seconds
  FROM jobs j, workers w,
       LATERAL (VALUES ('enqueued', j."createdAt"), ('detected', w."launchedAt"),
                       ('worker started', w."registeredAt"), ('processing', j."startedAt"),
                       ('completed', j."finishedAt"), ('worker exited', w."stoppedAt")) AS steps (step, at)
 WHERE j.id = %(id)s
 ORDER BY at
