-- Remember that a turn is about to be asked for; the one that an attempt before asked for keeps its request id.
INSERT INTO "investigationSteps" AS s ("jobId", step, provider, model)
VALUES (%(job_id)s, %(step)s, %(provider)s, %(model)s)
ON CONFLICT ("jobId", step) DO UPDATE
   SET "timesAsked" = s."timesAsked" + 1, provider = excluded.provider, model = excluded.model, "updatedAt" = clock_timestamp()
 WHERE s.turn IS NULL
RETURNING s."requestId"
