// Clients that load and save a whole row as their users do: Knex, Drizzle, Sequelize, TypeORM.
// In: the name of a client and an address on the command line, then one JSON order a line: insert, load, save.
// Out: one JSON answer a line. Dates are JavaScript's: they hold milliseconds.
import readline from 'node:readline';

const [name, address] = process.argv.slice(2);

const KINDS = {
  id: 'bigint', runAt: 'timestamptz', createdAt: 'timestamptz', updatedAt: 'timestamptz', startedAt: 'timestamptz',
  finishedAt: 'timestamptz', parentId: 'bigint', workerId: 'bigint', leaseId: 'uuid', timeoutSeconds: 'integer',
  revision: 'integer', priority: 'smallint', attempts: 'smallint', maxAttempts: 'smallint', crashes: 'smallint',
  status: 'text', queue: 'text', type: 'text', uniqueKey: 'text', concurrencyKey: 'text', payload: 'jsonb',
  progress: 'jsonb', checkpoint: 'jsonb', result: 'jsonb', errorMessage: 'text',
};
const OPTIONAL = [
  'startedAt', 'finishedAt', 'parentId', 'workerId', 'leaseId', 'timeoutSeconds', 'uniqueKey', 'concurrencyKey',
  'progress', 'checkpoint', 'result', 'errorMessage',
];
const JOB = { type: 'test', payload: { n: 1 }, status: 'queued' };

// `update({...row})`
async function knex() {
  const { default: connect } = await import('knex');
  const db = connect({ client: 'pg', connection: address });
  let row;
  return {
    insert: async () => (await db('jobs').insert(JOB).returning('*'))[0].id,
    load: async (id) => { row = await db('jobs').where({ id }).first(); },
    save: async (changes) => {
      row = { ...row, ...changes };
      await db('jobs').where({ id: row.id }).update(row);
    },
  };
}

// `.set({...row})`
async function drizzle() {
  const { drizzle } = await import('drizzle-orm/node-postgres');
  const { eq, sql } = await import('drizzle-orm');
  const pg = await import('drizzle-orm/pg-core');
  const kinds = {
    bigint: () => pg.bigint({ mode: 'bigint' }),
    integer: () => pg.integer(),
    smallint: () => pg.smallint(),
    text: () => pg.text(),
    uuid: () => pg.uuid(),
    jsonb: () => pg.jsonb(),
    timestamptz: () => pg.timestamp({ withTimezone: true }),
  };
  const columns = Object.entries(KINDS).map(([column, kind]) => {
    const made = kinds[kind]();
    return [column, OPTIONAL.includes(column) || column === 'type' ? made : made.notNull().default(sql`DEFAULT`)];
  });
  const jobs = pg.pgTable('jobs', Object.fromEntries(columns));
  const db = drizzle(address);
  let row;
  return {
    insert: async () => (await db.insert(jobs).values(JOB).returning())[0].id,
    load: async (id) => { [row] = await db.select().from(jobs).where(eq(jobs.id, BigInt(id))); },
    save: async (changes) => {
      row = { ...row, ...changes };
      await db.update(jobs).set(row).where(eq(jobs.id, row.id));
    },
  };
}

// `instance.save({ fields: all })`: Sequelize by itself saves what has changed, and "updatedAt" with its own clock.
async function sequelize() {
  const { Sequelize, DataTypes } = await import('sequelize');
  const kinds = {
    bigint: DataTypes.BIGINT, integer: DataTypes.INTEGER, smallint: DataTypes.SMALLINT, text: DataTypes.TEXT,
    uuid: DataTypes.UUID, jsonb: DataTypes.JSONB, timestamptz: DataTypes.DATE,
  };
  const columns = Object.entries(KINDS).map(([column, kind]) => [column, { type: kinds[kind] }]);
  const model = { ...Object.fromEntries(columns), id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true } };
  const db = new Sequelize(address, { logging: false });
  const Job = db.define('Job', model, { tableName: 'jobs', timestamps: false });
  let job;
  return {
    insert: async () => (await Job.create(JOB)).id,
    load: async (id) => { job = await Job.findByPk(id); },
    save: async (changes) => {
      job.set(changes);
      await job.save({ fields: Object.keys(KINDS).filter((column) => column !== 'id') });
    },
  };
}

// `repository.save()`: reads the row anew and writes every column that differs from it.
async function typeorm() {
  await import('reflect-metadata');
  const { DataSource, EntitySchema } = await import('typeorm');
  const columns = Object.entries(KINDS).map(([column, kind]) => {
    const nullable = OPTIONAL.includes(column);
    return [column, { type: kind, nullable, ...(column === 'id' ? { primary: true, generated: true } : {}) }];
  });
  const Job = new EntitySchema({ name: 'Job', tableName: 'jobs', columns: Object.fromEntries(columns) });
  const db = await new DataSource({ type: 'postgres', url: address, entities: [Job] }).initialize();
  const repository = db.getRepository('Job');
  let job;
  return {
    insert: async () => (await repository.save({ ...JOB })).id,
    load: async (id) => { job = await repository.findOneByOrFail({ id }); },
    save: async (changes) => { await repository.save(Object.assign(job, changes)); },
  };
}

const client = await { knex, drizzle, sequelize, typeorm }[name]();
for await (const line of readline.createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const answer = await client[order.do](order.id ?? order.changes);
  process.stdout.write(JSON.stringify(order.do === 'insert' ? Number(answer) : null) + '\n');
}
process.exit(0);
