-- What an engine has made of a file before, for the announcement that it belongs to.
SELECT processed::text
  FROM announcements
 WHERE "corpId" = %(corp_id)s AND "pdfSha256" = %(sha256)s AND processed ->> 'engine' = %(engine)s
