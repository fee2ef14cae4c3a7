-- Tell those who wait that these jobs have ended.
SELECT count(pg_notify('rowcrew_ended', ids)) AS told FROM unnest(%(ids)s::text[]) AS texts (ids)
