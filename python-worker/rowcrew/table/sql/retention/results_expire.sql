-- Whether a type or a queue says how long results are kept.
SELECT EXISTS (SELECT FROM job_types WHERE "keepResultSeconds" IS NOT NULL)
    OR EXISTS (SELECT FROM queues WHERE "keepResultSeconds" IS NOT NULL) AS expire
