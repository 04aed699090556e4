// A client of FEDn: node client.js --join-file FILE --name NAME [--seed NUMBER]
//
// It asks the reducer for a combiner, takes tasks from it, and asks again when that one parts from it or is lost. Tasks
// are done one at a time, and outlive a connection that was cut: their answers are delivered when it is back.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Combiner, sha256 } from './combiner.js';
import { backoff, Failure, persist } from './failure.js';
import { fetchCa, parseJoin, post } from './reducer.js';
import { Regression } from './regression.js';

const PATIENCE = 20_000; // milliseconds that a lost combiner is dialled before the reducer is asked for another
const GRACE = 5_000; // milliseconds after a task's time that its answer is still sent: the verdict is worth having
const LONGEST = 2 ** 31 - 1; // milliseconds that a timer of node can run

class Client {
  constructor({ join, name, work }) {
    this.join = join;
    this.name = name;
    this.work = work;
    this.instance = randomUUID(); // tells this process that comes back from another one of the same name
  }

  // Work until there is a failure that trying again can't help.
  async run() {
    const ca = await persist('fetching the CA', () => fetchCa(this.join));
    const request = { name: this.name, instance: this.instance, needs_package: false };
    for (;;) {
      const ask = () => post(this.join, ca, '/api/v1/assignments', request);
      const combiner = new Combiner(await persist('assignment', ask), { ca, name: this.name });
      const goodbye = await new Connection(combiner, this).serve();
      console.log(`combiner ${combiner.name} parted: ${goodbye.reason}`);
      if (!goodbye.reassign) throw new Failure('unauthenticated', goodbye.reason);
    }
  }
}

class Connection {
  constructor(combiner, { instance, work }) {
    this.combiner = combiner;
    this.work = work;
    this.hello = { instance, version: 'javascript 1.0.0', needs_package: false };
    this.tasks = new Map(); // those in work, by id
    this.turn = Promise.resolve(); // when the last of them is done
  }

  // Take tasks until the combiner says goodbye or is lost; its goodbye.
  async serve() {
    let [delays, lostAt] = [backoff(), Date.now()];
    try {
      for (;;) {
        let reason = 'it closed the stream';
        try {
          for await (const message of this.combiner.stream('Tasks', 'Stream', this.hello)) {
            [delays, lostAt] = [backoff(), Infinity];
            if (message.goodbye) return message.goodbye;
            this.take(message);
          }
        } catch (error) {
          if (error.code === 'unauthenticated') return { reassign: true, reason: error.message };
          if (!error.retryable) throw error;
          reason = error.message;
        }
        lostAt = Math.min(lostAt, Date.now());
        if (Date.now() - lostAt > PATIENCE) return { reassign: true, reason };
        console.log(`no connection to combiner ${this.combiner.name}: ${reason}`);
        await sleep(delays.next().value);
      }
    } finally {
      clearInterval(this.heartbeat);
      for (const task of this.tasks.values()) task.abort();
      this.combiner.close();
    }
  }

  take({ message: kind, welcome, task, cancel }) {
    if (kind === 'welcome') {
      console.log(`connected to combiner ${this.combiner.name}`);
      this.inlineBytes = welcome.inline_bytes;
      this.heartbeat ??= setInterval(() => this.beat(welcome.heartbeat_seconds), 1000 * welcome.heartbeat_seconds);
    } else if (kind === 'cancel') {
      this.tasks.get(cancel)?.abort();
    } else if (kind === 'task' && !this.tasks.has(task.id)) { // it is given again to who comes back
      const milliseconds = Math.min(Math.ceil(1000 * task.seconds), LONGEST);
      const [controller, until] = [new AbortController(), Date.now() + milliseconds];
      const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(milliseconds)]);
      this.tasks.set(task.id, controller);
      this.turn = this.turn.then(() => this.do(task, signal, until)).then(() => this.tasks.delete(task.id));
    }
  }

  // A sign of life. The stream is the surer one, so one that is lost is no loss.
  beat(seconds) {
    const { rss } = process.memoryUsage();
    this.combiner.call('Connector', 'SendHeartbeat', { memory_bytes: rss }, seconds).catch(() => {});
  }

  // A task from its model to its answer. Whatever is thrown on the way is reported, so that nobody waits in vain.
  async do(task, signal, until) {
    const what = `round ${task.round}: ${task.type}`;
    try {
      signal.throwIfAborted();
      console.log(`${what} begun`);
      const content = task.model.data.length ? task.model.data : await this.combiner.download(task.model, until);
      const job = { round: task.round, parameters: JSON.parse(task.parameters || '{}'), signal };
      const { fate, response } = await this.answer(task, content, job, until + GRACE);
      console.log(`${what} ${fate} ${response}`);
    } catch (error) {
      if (signal.aborted) return console.log(`${what} broken off`);
      console.log(`${what} failed: ${error.message}`);
      const code = error instanceof Failure ? error.code : 'entry_point_failed';
      const failure = { task_id: task.id, code, message: error.message };
      await this.deliver('Tasks', 'SendFailure', failure, until + GRACE).catch((lost) => console.log(lost.message));
    }
  }

  // Have the work done, and hand its result in; what the combiner says to it.
  async answer(task, content, job, until) {
    const names = { model_id: task.model.id, correlation_id: task.id };
    if (task.type === 'TRAIN') {
      const { update, examples, metrics } = await this.work.train(content, job);
      const id = randomUUID();
      const message = { ...names, model_update_id: id, num_examples: examples, metrics, sha256: sha256(update) };
      if (update.length <= this.inlineBytes) message.model = update;
      else await this.combiner.upload(id, update, until);
      return this.deliver('Combiner', 'SendModelUpdate', message, until);
    }
    if (task.type === 'VALIDATE') {
      const { metrics, examples } = await this.work.validate(content, job);
      const message = { ...names, data: JSON.stringify(metrics), num_examples: examples };
      return this.deliver('Combiner', 'SendModelValidation', message, until);
    }
    throw new Failure('entry_point_failed', `this client can't ${task.type.toLowerCase()}`);
  }

  // Repeating is safe: an answer that comes twice counts once, and has one fate.
  deliver(service, method, message, until) {
    return persist(method, () => this.combiner.call(service, method, message), until);
  }
}

const { values } = parseArgs({
  options: { 'join-file': { type: 'string' }, name: { type: 'string' }, seed: { type: 'string', default: '0' } },
});
try {
  const join = parseJoin(await readFile(values['join-file'], 'utf8'));
  await new Client({ join, name: values.name, work: new Regression(Number(values.seed)) }).run();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
