-- The job at the top of one's family: its parent's parent, and so on, as far as they are in the table.
WITH RECURSIVE up AS (
  SELECT id, "parentId" FROM jobs WHERE id = CAST(%(id)s AS bigint)
   UNION
  SELECT parent.id, parent."parentId"
    FROM up
    JOIN jobs parent ON parent.id = up."parentId")
SELECT min(id) AS id FROM up
