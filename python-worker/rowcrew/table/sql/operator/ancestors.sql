-- A job, its parent, else the latest it waits for, and so on, as far as in the table; the oldest first.
WITH RECURSIVE up AS (
  SELECT id, "parentId", "waitsFor" FROM jobs WHERE id = CAST(%(id)s AS bigint)
   UNION
  SELECT older.id, older."parentId", older."waitsFor"
    FROM up
    JOIN jobs older
      ON older.id = coalesce(up."parentId", (SELECT max(other) FROM unnest(up."waitsFor") AS other WHERE other < up.id)))
SELECT id FROM up ORDER BY id
