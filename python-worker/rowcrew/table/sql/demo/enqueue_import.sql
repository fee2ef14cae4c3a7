-- Import a CSV file into a table.
INSERT INTO jobs (type, payload, status)
VALUES ('csv_import', '{
    "source": {"path": "customers.csv"}, "table": "customers", "dateFormats": ["%d.%m.%Y"],
    "mapping": {"id": "Customer", "name": "Name", "joined": "Since", "balance": "Balance"}}', 'queued')
RETURNING id
