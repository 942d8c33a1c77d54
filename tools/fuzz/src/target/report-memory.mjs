// Loaded into the bridge under test: on SIGUSR2 it collects garbage and says what memory is left. Node must run with
// --expose-gc.
process.on('SIGUSR2', () => {
  // Twice: what finalizers let go in the first round is freed in the second.
  globalThis.gc();
  setImmediate(() => {
    globalThis.gc();
    process.stderr.write(`fuzz-memory ${JSON.stringify(process.memoryUsage())}\n`);
  });
});
