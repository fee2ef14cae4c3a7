-- Keep what is known of a file; the one with the same content in this project keeps its id.
INSERT INTO documents AS d ("projectId", "contentSha256", name, "fileType", "chunkSize", "chunkOverlap", embedder, dimensions, tokens)
VALUES (%(project)s, %(sha256)s, %(name)s, %(file_type)s, %(chunk_size)s, %(chunk_overlap)s, %(embedder)s, %(dimensions)s, %(tokens)s)
ON CONFLICT ("projectId", "contentSha256") DO UPDATE
   SET name = excluded.name, "fileType" = excluded."fileType", "chunkSize" = excluded."chunkSize",
       "chunkOverlap" = excluded."chunkOverlap", embedder = excluded.embedder, dimensions = excluded.dimensions,
       tokens = excluded.tokens, "updatedAt" = clock_timestamp()
RETURNING id
