// Obeys the tests for the page of Prisma; orders and answers as in python_driver.py.
import readline from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '@prisma/client';
import { cancel, read, signUp } from './people.mjs';

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.argv.at(-1) }) });

let job;

async function load(id) {
  job = await prisma.job.findUniqueOrThrow({ where: { id: BigInt(id) } });
  return 'loaded';
}

async function save(payload) {
  await prisma.job.update({ where: { id: job.id }, data: { ...job, payload } });
  return 'saved';
}

async function obey(order, value) {
  if (order === 'sign_up') return signUp(prisma, value);
  if (order === 'cancel') return cancel(prisma, value);
  if (order === 'load') return load(value);
  if (order === 'save') return save(JSON.parse(value));
  const found = await read(prisma, value);
  return [found.status, found.result === null ? '' : JSON.stringify(found.result), found.errorMessage].join('\t');
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [order] = line.split(' ', 1);
  const value = line.slice(order.length + 1);
  const answer = await obey(order, value).catch((error) => `error: ${error.message.trim().split('\n').at(-1)}`);
  process.stdout.write(`${answer}\n`);
}
process.exit(0);
