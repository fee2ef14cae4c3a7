-- Make ready jobs of one type for a benchmark, in one statement.
INSERT INTO jobs (type, payload)
SELECT %(type)s, jsonb_build_object('number', number)
  FROM generate_series(1, %(jobs)s) AS number
