-- Where the files of a job are.
SELECT j.type, b.key, b.size, b."contentType"
  FROM jobs j
  JOIN blobs b ON b.key = j.result ->> 'key'
 WHERE j."parentId" IS NOT NULL
 ORDER BY j.id
