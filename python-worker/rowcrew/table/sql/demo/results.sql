-- What completed jobs have returned.
SELECT id, type, result FROM jobs WHERE status = 'completed' AND type IN ('monte_carlo', 'csv_import') ORDER BY id
