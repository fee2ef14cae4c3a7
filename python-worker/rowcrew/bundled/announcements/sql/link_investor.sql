-- Say in the announcement who the named investor is.
UPDATE "announcementInvestors"
   SET "investorId" = %(investor_id)s
 WHERE "corpId" = %(corp_id)s AND kind = %(kind)s AND name = %(name)s
   AND "investorId" IS DISTINCT FROM %(investor_id)s
