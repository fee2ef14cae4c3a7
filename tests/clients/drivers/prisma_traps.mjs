// What the page of Prisma warns of; a line `name=value` each.
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '@prisma/client';
import { PrismaClient as WithEnum } from './generated/index.js';

const adapter = new PrismaPg({ connectionString: process.argv.at(-1) });
const prisma = new PrismaClient({ adapter });
const say = (name, value) => process.stdout.write(`${name}=${value}\n`);
const told = (promise) => promise.catch((error) => error.message.trim().split('\n').at(-1));
const data = { type: 'nobody_serves_this', payload: {} };

const job = await prisma.job.create({ data });
say('id', typeof job.id);
try { say('json', JSON.stringify(job)); } catch (error) { say('json', error.message); }
say('text', JSON.stringify({ id: job.id.toString() }) === `{"id":"${job.id}"}`);

let alone;
await prisma.$transaction(async () => {
  alone = await prisma.job.create({ data });
  throw new Error('no person');
}).catch(() => {});
say('alone', (await prisma.job.findUnique({ where: { id: alone.id } })) !== null);

const withEnum = new WithEnum({ adapter });
say('enum', await told(withEnum.job.create({ data: { ...data, status: 'queued' } })));
process.exit(0);
