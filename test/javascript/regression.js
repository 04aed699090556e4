// What the client does with its tasks: linear regression, on data that it makes up itself.
//
// Each row has three of the model's features, and their weights add up to its target: rows of a sparse table. The true
// weight of feature i is sin(i).

import { setImmediate as breathe } from 'node:timers/promises';

const PER_ROW = 3;
const ROWS_PER_FEATURE = 4;
const RATE = 0.2;

// A model is text, a number a line, as numpy.savetxt writes an array of one dimension. It needs no library, and loses
// nothing: JavaScript writes the shortest text that reads back as the same number.
function parse(file) {
  const weights = Float64Array.from(file.toString('ascii').trim().split('\n'), Number);
  if (weights.some(Number.isNaN)) throw new Error('the model is not text with a number a line');
  return weights;
}

function format(weights) {
  return Buffer.from(`${weights.join('\n')}\n`, 'ascii');
}

export class Regression {
  constructor(seed) {
    this.seed = seed;
  }

  // Some passes of stochastic gradient descent; the updated model's file, how many rows it saw, and the error before.
  async train(file, { parameters, signal }) {
    const weights = parse(file);
    const rows = makeRows(weights.length, 2 * this.seed + 1);
    const metrics = { loss: loss(weights, rows) };
    for (let epoch = 0; epoch < (parameters.epochs ?? 3); epoch++) {
      for (const row of rows) {
        const step = RATE * off(weights, row);
        for (const feature of row.features) weights[feature] -= step;
      }
      await breathe(); // heartbeats and a cancel get through between passes, as all of this runs in one thread
      signal.throwIfAborted();
    }
    return { update: format(weights), examples: rows.length, metrics };
  }

  async validate(file) {
    const weights = parse(file);
    const rows = makeRows(weights.length, 2 * this.seed + 2);
    return { metrics: { loss: loss(weights, rows) }, examples: rows.length };
  }
}

function makeRows(size, seed) {
  let state = 1 + (seed * 7919) % 2147483646;
  const draw = () => (state = (state * 16807) % 2147483647) % size; // Park and Miller, 1988
  return Array.from({ length: ROWS_PER_FEATURE * size }, () => {
    const features = Array.from({ length: PER_ROW }, draw);
    return { features, target: features.reduce((sum, feature) => sum + Math.sin(feature), 0) };
  });
}

// How far the model is off in a row.
function off(weights, { features, target }) {
  return features.reduce((sum, feature) => sum + weights[feature], -target);
}

function loss(weights, rows) {
  return rows.reduce((sum, row) => sum + off(weights, row) ** 2, 0) / rows.length;
}
