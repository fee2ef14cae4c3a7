-- What a second of ordinary business adds.
INSERT INTO jobs (type, queue, payload, priority, "concurrencyKey")
SELECT line.type, line.queue, line.payload, line.priority, (ARRAY['acme', 'globex', 'initech'])[1 + floor(random() * 3)::int]
  FROM (VALUES
        ('invoice_mail', 'mail', 0.6, '{"to": "grace@globex.example", "invoice": 20391}'::jsonb, 10),
        ('thumbnail', 'media', 0.9, '{"file": "photo.jpg", "width": 320}', 0),
        ('thumbnail', 'media', 0.6, '{"file": "scan.png", "width": 640}', 0),
        ('report', 'reports', 0.3, '{"account": 1207, "pages": 18}', 0),
        ('crawl_page', 'crawl', 0.9, '{"url": "https://shop.example/reviews"}', 0),
        ('crawl_page', 'crawl', 0.4, '{"url": "https://shop.example/login"}', 0))
       AS line (type, queue, chance, payload, priority)
 WHERE random() < line.chance
