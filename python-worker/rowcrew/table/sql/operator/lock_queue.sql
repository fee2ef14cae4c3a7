-- Keep a queue's row as it is until the end of the transaction; nothing where there is none.
SELECT queue FROM queues WHERE queue = %(queue)s FOR NO KEY UPDATE
