-- Price an option by simulation.
INSERT INTO jobs (type, payload, status)
VALUES ('monte_carlo', '{
    "model": "european_option", "spot": 100, "strike": 105, "rate": 0.05, "volatility": 0.2,
    "maturityYears": 1, "optionType": "call", "paths": 1000000, "seed": 42}', 'queued')
RETURNING id
