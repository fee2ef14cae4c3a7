-- Read nothing: the first one takes a transaction's snapshot, a later one shows that the session still holds it.
SELECT 1
