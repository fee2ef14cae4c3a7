-- The live jobs that have the unique keys asked for.
SELECT live.id, wanted.type, wanted."uniqueKey"
  FROM jsonb_to_recordset(CAST(%(jobs)s AS jsonb)) AS wanted (type text, "uniqueKey" text)
 CROSS JOIN LATERAL (
       SELECT id FROM jobs
        WHERE jobs.type = wanted.type AND jobs."uniqueKey" = wanted."uniqueKey"
          AND status NOT IN ('completed', 'failed', 'cancelled')
        LIMIT 1
       ) AS live
