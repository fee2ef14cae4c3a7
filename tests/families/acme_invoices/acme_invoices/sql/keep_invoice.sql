-- Keep an invoice; answers its number.
INSERT INTO "Invoices" (sender, customer, cents, "dueAt")
VALUES (%(sender)s, %(customer)s, %(cents)s, now() + %(due)s * interval '1 second')
RETURNING number
