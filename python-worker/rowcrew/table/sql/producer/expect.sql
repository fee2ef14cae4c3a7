-- Ask workers to tell when one of these jobs has ended; costs nothing where none of them listens.
SELECT count(pg_notify('rowcrew_expected', ids)) AS asked FROM unnest(CAST(%(ids)s AS text[])) AS texts (ids)
