-- Replace the figures of an announcement: those at the same place are written over, those behind the last go.
WITH told AS MATERIALIZED (
  SELECT f.position, kind, label, value, amount, currency, quote
    FROM ROWS FROM (jsonb_to_recordset(%(figures)s::jsonb)
                    AS (kind text, label text, value text, amount numeric, currency text, quote text))
         WITH ORDINALITY AS f (kind, label, value, amount, currency, quote, position)),
gone AS (
  DELETE FROM "announcementFigures"
   WHERE "corpId" = %(corp_id)s AND position > (SELECT count(*) FROM told))
INSERT INTO "announcementFigures" ("corpId", position, kind, label, value, amount, currency, quote)
SELECT %(corp_id)s, position, kind, label, value, amount, currency, quote FROM told ORDER BY position
ON CONFLICT ("corpId", position) DO UPDATE
   SET kind = excluded.kind, label = excluded.label, value = excluded.value, amount = excluded.amount,
       currency = excluded.currency, quote = excluded.quote
