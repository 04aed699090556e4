// What goes wrong, and trying again where that may help.

import { setTimeout as sleep } from 'node:timers/promises';

// Codes of errors that may pass by themselves. docs/rest.md lists them all.
const PASSING = new Set(['unavailable', 'deadline_exceeded', 'corrupt', 'stale_revision']);

// An error of FEDn: `code` names its kind, on HTTP as on gRPC.
export class Failure extends Error {
  constructor(code, message, hint = '') {
    super(hint ? `${message} (${hint})` : message);
    this.code = code;
    this.retryable = PASSING.has(code);
  }
}

// Milliseconds to wait, without an end: uniform between zero and a bound that doubles up to 15 seconds.
export function* backoff() {
  for (let bound = 250; ; bound = Math.min(2 * bound, 15_000)) yield Math.random() * bound;
}

// Call `attempt` until it succeeds or fails for a reason that stays; at the time `until` the last failure is thrown.
export async function persist(what, attempt, until = Infinity) {
  for (const delay of backoff()) {
    try {
      return await attempt();
    } catch (error) {
      if (!error.retryable || Date.now() + delay >= until) throw error;
      console.log(`${what}: ${error.message}; trying again in ${Math.round(delay)} ms`);
    }
    await sleep(delay);
  }
}
