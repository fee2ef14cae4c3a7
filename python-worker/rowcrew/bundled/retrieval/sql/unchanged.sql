-- A document that is kept already, cut and embedded in the same way.
SELECT d.id, d.tokens, d.dimensions, (SELECT count(*) FROM chunks c WHERE c."documentId" = d.id) AS chunks
  FROM documents d
 WHERE d."projectId" = %(project)s AND d."contentSha256" = %(sha256)s AND d."fileType" = %(file_type)s
   AND d."chunkSize" = %(chunk_size)s AND d."chunkOverlap" = %(chunk_overlap)s AND d.embedder = %(embedder)s
