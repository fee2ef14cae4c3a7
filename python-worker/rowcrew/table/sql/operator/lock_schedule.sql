-- Keep a schedule as it is until the end of the transaction; nothing where there is none.
SELECT name FROM schedules WHERE name = %(name)s FOR NO KEY UPDATE
