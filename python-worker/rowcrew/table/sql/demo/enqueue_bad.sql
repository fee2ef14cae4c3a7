-- A payload that the handler cannot accept.
INSERT INTO jobs (type, payload) VALUES ('monte_carlo', '{"model": "european_option", "spot": -1}')
RETURNING id
