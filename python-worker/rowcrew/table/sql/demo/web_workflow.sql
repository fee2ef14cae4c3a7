-- A workflow: an import, two reports that wait for it, a mail that waits for both.
WITH first AS (
  INSERT INTO jobs (type, queue, payload, priority)
  VALUES ('import_rows', 'imports', '{"file": "payroll.csv", "rows": 30000}', 20)
  RETURNING id),
reports AS (
  INSERT INTO jobs (type, queue, payload, "parentId", "waitsFor")
  SELECT 'report', 'reports', jsonb_build_object('account', account, 'pages', 30), id, ARRAY[id]
    FROM first CROSS JOIN unnest(ARRAY[51, 52]) AS account
  RETURNING id, "parentId")
INSERT INTO jobs (type, queue, payload, "parentId", "waitsFor")
SELECT 'invoice_mail', 'mail', '{"to": "board@acme.example"}', min("parentId"), array_agg(id) FROM reports
