// TypeORM with `synchronize: true` and an entity of `jobs` as its users write one.
// In: an address on the command line. Out: nothing; what it does to the table is the point.
import 'reflect-metadata';
import typeorm from 'typeorm';

const { DataSource, EntitySchema } = typeorm;
const optional = (type) => ({ type, nullable: true });
const counted = (initial) => ({ type: 'smallint', default: initial });

const Job = new EntitySchema({
  name: 'Job',
  tableName: 'jobs',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'increment' },
    type: { type: 'text' },
    payload: { type: 'jsonb', default: {} },
    status: { type: 'text', default: 'queued' },
    queue: { type: 'text', default: 'default' },
    runAt: { type: 'timestamptz', default: () => 'now()' },
    createdAt: { type: 'timestamptz', createDate: true },
    updatedAt: { type: 'timestamptz', updateDate: true },
    revision: { type: 'integer', default: 0 },
    priority: counted(0), attempts: counted(0), maxAttempts: counted(3), crashes: counted(0),
    startedAt: optional('timestamptz'), finishedAt: optional('timestamptz'),
    placeAt: optional('timestamptz'),
    parentId: optional('bigint'), workerId: optional('bigint'), leaseId: optional('uuid'),
    timeoutSeconds: optional('integer'), uniqueKey: optional('text'), concurrencyKey: optional('text'),
    progress: optional('jsonb'), checkpoint: optional('jsonb'), result: optional('jsonb'), errorMessage: optional('text'),
    resultEmptiedAt: optional('timestamptz'),
    waitsFor: { ...optional('bigint'), array: true }, waitPolicy: optional('text'), notBefore: optional('timestamptz'),
    watches: optional('bigint'), awaited: optional('boolean'), traceparent: optional('text'),
  },
});

const source = new DataSource({ type: 'postgres', url: process.argv[2], entities: [Job], synchronize: true });
await source.initialize();
await source.destroy();
