-- Make ready jobs of one type for a benchmark, in one statement; the newest id.
WITH made AS (
  INSERT INTO jobs (type, payload)
  SELECT %(type)s, jsonb_build_object('number', number)
    FROM generate_series(1, %(jobs)s) AS number
  RETURNING id)
SELECT max(id) FROM made
