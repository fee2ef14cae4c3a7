-- An hour that the demonstration did not have: what workers would have counted, minute by minute; it reaches into their first one.
INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count, "runSeconds")
SELECT date_trunc('minute', clock_timestamp()) - minute * interval '1 minute', 60, 0, line.queue, line.type, line.outcome,
       greatest(0, round(line.rate * (1 + 0.35 * sin(minute / line.wave) + 0.25 * (random() - 0.5))))::bigint AS count,
       line.rate * line.seconds
  FROM generate_series(-1, 58) AS minute
 CROSS JOIN (VALUES ('mail', 'invoice_mail', 'completed', 46, 0.2, 9.0), ('mail', 'invoice_mail', 'failed', 0.3, 0.2, 2.0),
                    ('reports', 'report', 'completed', 14, 4.0, 6.0), ('reports', 'report', 'failed', 0.4, 4.0, 3.0),
                    ('crawl', 'crawl_page', 'completed', 52, 1.5, 14.0), ('crawl', 'crawl_page', 'failed', 2.6, 1.5, 5.0),
                    ('imports', 'import_rows', 'completed', 3, 18.0, 4.0), ('media', 'thumbnail', 'completed', 88, 0.4, 11.0))
       AS line (queue, type, outcome, rate, seconds, wave)
 WHERE greatest(0, round(line.rate * (1 + 0.35 * sin(minute / line.wave)))) > 0
ON CONFLICT DO NOTHING
