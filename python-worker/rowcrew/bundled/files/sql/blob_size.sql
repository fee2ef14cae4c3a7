-- The size of a stored file in bytes; no row: there is none of that key.
SELECT size FROM blobs WHERE key = %(key)s
