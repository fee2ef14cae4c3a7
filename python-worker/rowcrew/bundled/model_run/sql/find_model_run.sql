-- The model run with these inputs and this engine; no row: there is none yet.
SELECT id, (jsonb_build_object('modelRunId', id) || result)::text
  FROM "modelRuns"
 WHERE "modelId" = %(model_id)s AND "inputsHash" = %(inputs_hash)s AND "engineVersion" = %(engine_version)s
