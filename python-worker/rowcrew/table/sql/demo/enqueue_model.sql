-- Run a financial model, and export it as PDF and PPTX when it is done.
INSERT INTO jobs (type, payload, status)
VALUES ('model_run', '{
    "modelId": "demo", "startMonth": "2027-01", "months": 24, "currency": "USD", "openingCash": 600000,
    "revenue": [{"name": "Pro", "startCustomers": 500, "newCustomers": 40, "churnRate": 0.03, "arpa": 100}],
    "cogsPct": 0.2, "cacPerNewCustomer": 400, "opex": [{"name": "Rent and tools", "monthly": 90000}],
    "discountRateAnnual": 0.12,
    "scenarios": {"base": [], "downside": [{"path": "revenue.0.churnRate", "op": "multiply", "value": 1.5}]},
    "children": [{"type": "pdf_export", "payload": {"template": "board"}},
                 {"type": "pptx_export", "payload": {"template": "investor"}}]}', 'queued')
RETURNING id
