-- A long simulation, to be cancelled.
INSERT INTO jobs (type, payload, priority)
VALUES ('monte_carlo', '{
    "model": "european_option", "spot": 100, "strike": 105, "rate": 0.05, "volatility": 0.2,
    "maturityYears": 1, "paths": 50000000}', 10)
RETURNING id
