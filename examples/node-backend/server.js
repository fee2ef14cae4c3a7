// An Express backend that knows nothing of Rowcrew but its table: one INSERT enqueues, one SELECT watches.
// In: DATABASE_URL and PORT. Out: POST /api/v1/models/:id/run and GET /api/v1/jobs/:id. There is no authentication here.

import express from "express";
import pg from "pg";

const ENQUEUE = `INSERT INTO jobs (type, payload) VALUES ('model_run', $1) RETURNING id, status`;
const STATUS = `SELECT id, type, status, progress, result, "errorMessage" FROM jobs WHERE id = $1`;

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  application_name: "node-backend",
  connectionTimeoutMillis: 5_000,
  query_timeout: 10_000,
});
// Without a listener, a connection that breaks while idle would end the process.
pool.on("error", (error) => console.error(`an idle connection broke: ${error.message}`));

const application = express();
application.use(express.json({ limit: "1mb" }));

application.post("/api/v1/models/:id/run", async (request, response) => {
  if (!isObject(request.body)) {
    return response.status(400).json({ error: "the body must be a JSON object: the inputs of the model" });
  }
  const payload = JSON.stringify({ ...request.body, modelId: request.params.id });
  const { rows } = await pool.query(ENQUEUE, [payload]);
  const [job] = rows;
  response.status(202).location(`/api/v1/jobs/${job.id}`).json(job);
});

application.get("/api/v1/jobs/:id", async (request, response) => {
  const id = request.params.id;
  if (!isJobId(id)) {
    return response.status(400).json({ error: "the id of a job is a whole number above 0" });
  }
  const { rows } = await pool.query(STATUS, [id]);
  if (rows.length === 0) {
    return response.status(404).json({ error: `there is no job ${id}` });
  }
  response.json(rows[0]);
});

application.use((_request, response) => {
  response.status(404).json({ error: "there is nothing here" });
});

// Express knows an error handler by its four parameters.
application.use((error, _request, response, _next) => {
  const status = statusOf(error);
  if (status >= 500) {
    console.error(error);
  }
  response.status(status).json({ error: status >= 500 ? "something went wrong here" : error.message });
});

// node-postgres hands over a bigint as a string, because 64 bits do not fit into a number. Ids stay strings all the way.
function isJobId(text) {
  return /^[1-9][0-9]{0,18}$/.test(text);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// What Express refuses carries its status. SQLSTATE 22 and 23: PostgreSQL refused the values: a NUL in a text, an id above 2^63.
function statusOf(error) {
  if (error.status) {
    return error.status;
  }
  return /^(22|23)/.test(error.code) ? 400 : 500;
}

const server = application.listen(process.env.PORT ?? 3000, () => {
  console.log(`Listening on port ${server.address().port}`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close(() => pool.end());
    server.closeIdleConnections();
  });
}
