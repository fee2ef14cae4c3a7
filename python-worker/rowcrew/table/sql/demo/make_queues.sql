-- Three queues, whose workers leave soon: after one job, or two idle seconds.
INSERT INTO queues (queue, label, "maxConcurrent",
                    "maxJobsPerSession", "idleTimeoutSeconds")
VALUES ('ai_processing', 'AI', 3, 1, 2),
       ('supabase_upload', 'UPLOAD', 2, 1, 2),
       ('investor_processing', 'INVESTOR', 1, 1, 2)
ON CONFLICT (queue) DO UPDATE
   SET "maxConcurrent" = excluded."maxConcurrent", "cooldownSeconds" = 0,
       "maxJobsPerSession" = 1, "idleTimeoutSeconds" = 2
