-- Remember the jobs of a batch's files.
INSERT INTO "batchFiles" ("jobId", "batchId", place, "stopsWithFirst")
SELECT id, %(batch)s, place, %(stops)s
  FROM unnest(CAST(%(children)s AS bigint[])) WITH ORDINALITY AS child (id, place)
