-- Store a file under its key, in place of the one that was there.
INSERT INTO blobs (key, bytes, sha256, "contentType", size)
VALUES (%(key)s, %(content)s, sha256(%(content)s), %(content_type)s, length(%(content)s))
ON CONFLICT (key) DO UPDATE
   SET bytes = excluded.bytes, sha256 = excluded.sha256, "contentType" = excluded."contentType",
       size = excluded.size, "createdAt" = now()
RETURNING key, encode(sha256, 'hex') AS sha256, size, "contentType"
