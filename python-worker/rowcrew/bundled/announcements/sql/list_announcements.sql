-- The newest announcements with ids below a number, of one security or of all.
SELECT id, "corpId", exchange, "companyName", "securityId", isin, subject, category, headline, summary, sentiment,
       "announcedAt", CAST(processed AS text) AS processed, "createdAt", "updatedAt"
  FROM announcements
 WHERE (CAST(%(before)s AS bigint) IS NULL OR id < %(before)s)
   AND (CAST(%(symbol)s AS text) IS NULL OR "securityId" = %(symbol)s)
 ORDER BY id DESC
 LIMIT CAST(%(limit)s AS bigint)
