// What the page of Sequelize warns of; a line `name=value` each.
import { DataTypes, Sequelize } from 'sequelize';
import { define } from './models.mjs';

let sent = '';
const sequelize = new Sequelize(process.argv.at(-1), { logging: (statement) => { sent = statement; } });
const { Job } = define(sequelize);
const Dated = sequelize.define('Dated', { type: DataTypes.TEXT, payload: DataTypes.JSONB }, { tableName: 'jobs' });
const say = (name, value) => process.stdout.write(`${name}=${value}\n`);
const job = { type: 'nobody_serves_this', payload: {} };

const { id } = await Job.create(job);
say('id', typeof id);
say('named', sent.includes('"createdAt"'));
await Dated.create(job);
say('dated', /INSERT INTO "jobs" \([^)]*"createdAt"/.test(sent));

let alone;
await sequelize.transaction(async () => {
  alone = (await Job.create(job)).id;
  throw new Error('no person');
}).catch(() => {});
say('alone', (await Job.findByPk(alone)) !== null);

const kept = await Job.findByPk(id);
kept.payload = { n: 2 };
await kept.save();
say('saved', /^Executing \([^)]*\): UPDATE "jobs" SET "payload"=\$1 WHERE "id" = \$2/.test(sent));
process.exit(0);
