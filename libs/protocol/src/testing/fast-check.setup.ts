import fc from 'fast-check';

// A failing property prints its seed; `FC_SEED=<seed> npm test` replays it, `FC_RUNS=<n>` searches longer.
const seed = process.env['FC_SEED'];
const runs = process.env['FC_RUNS'];
fc.configureGlobal({
  ...(seed === undefined ? {} : { seed: Number(seed) }),
  numRuns: runs === undefined ? 1000 : Number(runs),
});
