-- The ids of an announcement, of its figures and of the investors it names, in their order.
SELECT id,
       ARRAY(SELECT f.id FROM "announcementFigures" f
              WHERE f."corpId" = a."corpId" ORDER BY f.position) AS "figureIds",
       ARRAY(SELECT i.id FROM "announcementInvestors" i
              WHERE i."corpId" = a."corpId" ORDER BY i.position) AS "investorIds"
  FROM announcements a
 WHERE a."corpId" = %(corp_id)s
