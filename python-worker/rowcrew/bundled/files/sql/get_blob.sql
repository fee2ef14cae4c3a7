-- A part of a stored file, counted from byte 1.
SELECT substring(bytes FROM %(start)s FOR %(length)s) FROM blobs WHERE key = %(key)s
