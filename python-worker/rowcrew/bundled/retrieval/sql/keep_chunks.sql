-- Take in the chunks of a document.
COPY chunks ("documentId", place, content, overlap, tokens, embedding) FROM STDIN
