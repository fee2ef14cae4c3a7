-- What lies there when the demonstration begins: a crowd that a limit holds, one that is paused, one that nobody serves.
INSERT INTO jobs (type, queue, payload, priority, "uniqueKey", "createdAt", "runAt")
SELECT line.type, line.queue, line.payload, line.priority, line.key || number, since, since + line.later * interval '1 minute'
  FROM (VALUES
        ('crawl_page', 'crawl', 140, '{"url": "https://shop.example/products"}'::jsonb, 0, 'page-', 4, 0),
        ('invoice_mail', 'billing', 17, '{"to": "ada@acme.example"}', 0, 'invoice-', 12, 0),
        ('transcribe', 'archive', 38, '{"file": "call.ogg"}', 0, 'call-', 26, 0),
        ('import_rows', 'imports', 5, '{"file": "ledger.csv", "rows": 60000}', 5, 'ledger-', 1, 0),
        ('report', 'reports', 9, '{"account": 4711, "pages": 24}', 0, 'pack-', 0, 90))
       AS line (type, queue, jobs, payload, priority, key, minutes, later)
 CROSS JOIN LATERAL generate_series(1, line.jobs) AS number
 CROSS JOIN LATERAL (SELECT clock_timestamp() - line.minutes * interval '1 minute' + number * interval '50 ms' AS since) AS begin
