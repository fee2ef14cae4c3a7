// Obeys the tests for the page of Sequelize; orders and answers as in python_driver.py.
import readline from 'node:readline';
import { Sequelize } from 'sequelize';
import { define } from './models.mjs';
import { cancel, read, signUp } from './people.mjs';

const sequelize = new Sequelize(process.argv.at(-1), { logging: false });
const models = define(sequelize);

async function obey(order, value) {
  if (order === 'sign_up') return signUp(sequelize, models, value);
  if (order === 'cancel') return cancel(models, value);
  const job = await read(models, value);
  return [job.status, job.result === null ? '' : JSON.stringify(job.result), job.errorMessage].join('\t');
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [order, value] = line.split(' ');
  const answer = await obey(order, value).catch((error) => `error: ${error.message.split('\n')[0]}`);
  process.stdout.write(`${answer}\n`);
}
process.exit(0);
