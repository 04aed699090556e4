// The calls of a client to its combiner, over TLS with the token of its assignment.

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

import { Failure, persist } from './failure.js';

const PROTO = fileURLToPath(new URL('../../proto/fedn.proto', import.meta.url));
const wire = grpc.loadPackageDefinition(
  loader.loadSync(PROTO, { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true }),
).grpc;

const MIB = 1024 * 1024;
const CALL_SECONDS = 60;
const OPTIONS = {
  'grpc.max_receive_message_length': 64 * MIB,
  'grpc.keepalive_time_ms': 20_000, // notices a combiner that vanished without a word
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_reconnect_backoff_ms': 2_000, // below our own back-off, which decides
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
};
const CODES = {
  [grpc.status.INVALID_ARGUMENT]: 'invalid_input',
  [grpc.status.RESOURCE_EXHAUSTED]: 'too_large',
  [grpc.status.UNAUTHENTICATED]: 'unauthenticated',
  [grpc.status.PERMISSION_DENIED]: 'forbidden',
  [grpc.status.NOT_FOUND]: 'not_found',
  [grpc.status.UNAVAILABLE]: 'unavailable',
  [grpc.status.CANCELLED]: 'unavailable',
  [grpc.status.INTERNAL]: 'unavailable', // a connection that was reset
  [grpc.status.DEADLINE_EXCEEDED]: 'deadline_exceeded',
  [grpc.status.UNIMPLEMENTED]: 'wrong_service',
};

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

export class Combiner {
  constructor({ combiner, host, port, token }, { ca, name }) {
    this.name = combiner;
    this.sender = { role: 'WORKER', name };
    this.metadata = new grpc.Metadata();
    this.metadata.set('authorization', `Bearer ${token}`);
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const credentials = grpc.credentials.createSsl(Buffer.from(ca));
    this.channel = new grpc.Channel(address, credentials, OPTIONS);
    this.stub = (service) => new wire[service](address, credentials, { channelOverride: this.channel });
  }

  close() {
    this.channel.close();
  }

  // One call; the answer, or the Failure that it ended in.
  call(service, method, message, seconds = CALL_SECONDS) {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + 1000 * seconds };
      this.stub(service)[method]({ sender: this.sender, ...message }, this.metadata, options, (error, response) => {
        if (error) reject(this.#failure(error));
        else resolve(response);
      });
    });
  }

  // The messages of a call that answers with a stream.
  async *stream(service, method, message, options = {}) {
    const call = this.stub(service)[method]({ sender: this.sender, ...message }, this.metadata, options);
    call.on('error', () => {}); // the loop below throws it; one that comes after the loop was left is of no interest
    try {
      yield* call;
    } catch (error) {
      throw this.#failure(error);
    } finally {
      call.cancel();
    }
  }

  // Download a model, going on after each cut.
  async download({ id, size, sha256: digest }, until) {
    const pieces = [];
    let held = 0;
    return persist(`download of model ${id}`, async () => {
      let ended = false;
      for await (const piece of this.stream('ModelService', 'Download', { id, offset: held }, { deadline: until })) {
        if (piece.status === 'FAILED') throw new Failure('not_found', piece.message);
        pieces.push(piece.data);
        held += piece.data.length;
        ended = piece.status === 'OK';
      }
      if (!ended) throw new Failure('unavailable', 'it was cut off');
      const model = Buffer.concat(pieces);
      if (model.length === size && sha256(model) === digest) return model;
      pieces.length = held = 0;
      throw new Failure('corrupt', 'it changed on the way');
    }, until);
  }

  // Upload an update, going on after each cut where the combiner has it up to.
  async upload(id, update, until) {
    const [sender, total_size, digest] = [this.sender, update.length, sha256(update)];
    function* messages(offset) {
      yield { sender, id, total_size, sha256: digest, offset, status: 'IN_PROGRESS' };
      for (let at = offset; at < total_size; at += MIB) {
        yield { id, data: update.subarray(at, at + MIB), status: 'IN_PROGRESS' };
      }
      yield { id, status: 'OK' };
    }
    await persist(`upload of update ${id}`, async () => {
      const held = await this.call('Transfers', 'Held', { id });
      if (held.status === 'OK' && held.total_size && held.offset === held.total_size) return;
      await new Promise((resolve, reject) => {
        const call = this.stub('ModelService').Upload(this.metadata, { deadline: until }, (error, response) => {
          if (error) reject(this.#failure(error));
          else resolve(response);
        });
        Readable.from(messages(held.offset)).pipe(call);
      });
    }, until);
  }

  #failure(error) {
    const [code] = error.metadata?.get('fedn-code') ?? [];
    return new Failure(code ?? CODES[error.code] ?? 'internal', `combiner ${this.name}: ${error.details}`);
  }
}
