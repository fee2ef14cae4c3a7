-- Remove every job of the scratch schema, with its dead rows.
TRUNCATE jobs, job_attempts
