-- The schema's revision and the oldest worker it serves. No such table: the migrations have never run here.
SELECT revision, "minimumWorker" FROM rowcrew_schema
