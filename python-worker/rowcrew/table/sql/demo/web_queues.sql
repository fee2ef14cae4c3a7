-- The queues of the demonstration in place of those that a new table has: four with a limit, one paused.
WITH others AS (DELETE FROM queues)
INSERT INTO queues (queue, label, "maxConcurrent", paused)
VALUES ('reports', 'PDF and slides', 4, false),
       ('crawl', 'pages of others', 3, false),
       ('mail', 'invoices and notices', NULL, false),
       ('billing', 'monthly run', 1, true),
       ('imports', 'files of customers', 2, false)
