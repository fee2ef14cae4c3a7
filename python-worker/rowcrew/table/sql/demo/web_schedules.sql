-- Schedules of the demonstration in place of the preset ones: two in zones whose clocks change, one that is paused.
WITH others AS (DELETE FROM schedules)
INSERT INTO schedules (name, type, payload, queue, cron, "everySeconds", timezone, paused)
VALUES ('month_end', 'report', '{"account": 7, "pages": 12}', 'reports', '0 6 1 * *', NULL, 'Europe/Berlin', false),
       ('nightly_crawl', 'crawl_page', '{"url": "https://shop.example/sitemap"}', 'crawl', '30 2 * * *', NULL,
        'America/New_York', false),
       ('thumbnails', 'thumbnail', '{"file": "cover.png"}', 'media', NULL, 60, 'UTC', false),
       ('dunning', 'invoice_mail', '{"to": "accounts@acme.example"}', 'mail', '0 9 * * 1', NULL, 'UTC', true)
