-- Keep what an announcement says of an investor, once. Answers the figures before it, or no row if it was known.
WITH added AS (
  INSERT INTO "investorDeals" ("corpId", "investorId", company, action, shares, percent, "announcedAt")
  VALUES (%(corp_id)s, %(investor_id)s, %(company)s, %(action)s, %(shares)s, %(percent)s, %(announced_at)s)
  ON CONFLICT ("corpId", "investorId") DO NOTHING
  RETURNING true)
SELECT before.shares, before.percent
  FROM added
       LEFT JOIN LATERAL (
         SELECT d.shares, d.percent
           FROM "investorDeals" d
          WHERE d."investorId" = %(investor_id)s AND d.company = %(company)s
            AND (d."announcedAt", d."corpId") < (%(announced_at)s, %(corp_id)s)
            AND (d.shares IS NOT NULL OR d.percent IS NOT NULL)
          ORDER BY d."announcedAt" DESC, d."corpId" DESC
          LIMIT 1) AS before ON true
