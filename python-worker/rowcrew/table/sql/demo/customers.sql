-- What the import brought.
SELECT count(*) AS rows, min(joined) AS first, max(joined) AS last, sum(balance) AS total FROM customers
