-- The table that the demonstration imports into.
CREATE TABLE customers (
    id      integer PRIMARY KEY,
    name    text NOT NULL,
    joined  date,
    balance numeric(12, 2)
)
