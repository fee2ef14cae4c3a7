-- Replace the investors that an announcement names. Who one is stays known as long as the name is the same.
WITH told AS MATERIALIZED (
  SELECT i.position, kind, name, action, shares, percent
    FROM ROWS FROM (jsonb_to_recordset(%(investors)s::jsonb)
                    AS (kind text, name text, action text, shares bigint, percent numeric))
         WITH ORDINALITY AS i (kind, name, action, shares, percent, position)),
gone AS (
  DELETE FROM "announcementInvestors"
   WHERE "corpId" = %(corp_id)s AND position > (SELECT count(*) FROM told))
INSERT INTO "announcementInvestors" AS a ("corpId", position, kind, name, action, shares, percent)
SELECT %(corp_id)s, position, kind, name, action, shares, percent FROM told ORDER BY position
ON CONFLICT ("corpId", position) DO UPDATE
   SET kind = excluded.kind, name = excluded.name, action = excluded.action, shares = excluded.shares,
       percent = excluded.percent,
       "investorId" = CASE WHEN (a.kind, a.name) = (excluded.kind, excluded.name) THEN a."investorId" END
