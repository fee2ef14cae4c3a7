-- Forget the chunks of a document, before others take their place.
DELETE FROM chunks WHERE "documentId" = %(document_id)s
