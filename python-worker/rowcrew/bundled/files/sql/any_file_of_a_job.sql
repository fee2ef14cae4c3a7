-- One row if there is any file of a job; keys that begin so stand together in the primary key.
SELECT FROM blobs WHERE key ~ '^jobs/[0-9]+/' LIMIT 1
