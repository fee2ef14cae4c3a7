-- Tell those whose watchlists an announcement fits, once each. Answers the new notifications.
INSERT INTO notifications ("watchlistId", "corpId", owner, message)
SELECT w.id, %(corp_id)s, w.owner, %(message)s
  FROM watchlists w
 WHERE (w."securityId" IS NULL OR w."securityId" = %(security_id)s)
   AND (w.category IS NULL OR w.category = %(category)s)
   AND (w."investorId" IS NULL OR w."investorId" = ANY (%(investor_ids)s::bigint[]))
 ORDER BY w.id
ON CONFLICT ("watchlistId", "corpId") DO NOTHING
RETURNING id
