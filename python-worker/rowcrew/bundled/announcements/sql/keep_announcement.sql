-- Keep an announcement; one that is kept already stays as it is unless asked otherwise. No row: it stayed.
INSERT INTO announcements AS a
       ("corpId", exchange, "companyName", "securityId", isin, subject, category, headline, summary, sentiment,
        "announcedAt", "pdfSha256", processed)
SELECT %(corp_id)s, exchange, "companyName", "securityId", isin, subject, category, headline, summary, sentiment,
       "announcedAt", "pdfSha256", %(processed)s::jsonb
  FROM jsonb_to_record(%(processed)s::jsonb)
       AS p (exchange text, "companyName" text, "securityId" text, isin text, subject text, category text,
             headline text, summary text, sentiment text, "announcedAt" timestamptz, "pdfSha256" text)
ON CONFLICT ("corpId") DO UPDATE
   SET exchange = excluded.exchange, "companyName" = excluded."companyName",
       "securityId" = excluded."securityId", isin = excluded.isin, subject = excluded.subject,
       category = excluded.category, headline = excluded.headline, summary = excluded.summary,
       sentiment = excluded.sentiment, "announcedAt" = excluded."announcedAt",
       "pdfSha256" = excluded."pdfSha256", processed = excluded.processed, "updatedAt" = clock_timestamp()
 WHERE %(update_existing)s
-- A row just inserted has no older version.
RETURNING xmax = 0 AS "isNew"
