-- Whose announcement it is; deals are told apart by ISIN, or by exchange and security where there is none.
SELECT "securityId", "companyName", headline, category,
       CASE WHEN isin <> '' THEN isin ELSE exchange || ':' || "securityId" END AS company,
       coalesce("announcedAt", "createdAt") AS "announcedAt"
  FROM announcements
 WHERE "corpId" = %(corp_id)s
