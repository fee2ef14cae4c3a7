-- Keep what a model run gave; no row: another job has kept the same run in the meantime.
INSERT INTO "modelRuns" ("modelId", "inputsHash", "engineVersion", "jobId", result)
VALUES (%(model_id)s, %(inputs_hash)s, %(engine_version)s, %(job_id)s, %(result)s::jsonb)
ON CONFLICT ("modelId", "inputsHash", "engineVersion") DO NOTHING
RETURNING id, (jsonb_build_object('modelRunId', id) || result)::text
