// Calls per second through the gRPC link between two processes, closed loop.
//   node --conditions=@mcp-bridge/source --import tsx bench/throughput.mjs [seconds]
// CPUPROF=<dir> writes a CPU profile of each process there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInProcessLink, createRouterPool, startLinkServer } from '../src/index.ts';

const RESULT = Buffer.from(
  JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(100) }], isError: false }),
);
const echo = {
  call(_request, sink) {
    sink.onResult(RESULT);
    return { cancel() {} };
  },
  input() {},
};

function request(session) {
  const params = Buffer.from('{"name":"files__read","arguments":{"path":"/data/readme.txt","limit":100}}');
  return {
    principal,
    view: '',
    method: 'tools/call',
    name: 'files__read',
    params,
    spans: {
      nameStart: 8,
      nameEnd: 21,
      metaStart: -1,
      metaEnd: -1,
      progressTokenStart: -1,
      progressTokenEnd: -1,
    },
    clientRequestId: '17',
    protocolVersion: '2025-11-25',
    capabilities: '{"sampling":{},"roots":{"listChanged":true}}',
    clientInfo: '{"name":"bench","version":"1.0.0"}',
    session,
    logLevel: '',
    timeoutMs: 30_000,
    paramHeaders: '',
    traceparent: '',
    replayStream: '',
  };
}
const principal = { tenant: 'acme', id: 'alice' };

/** `defer`: the in-process link answers in a microtask; a loop of those alone would never let a timer run. */
async function closedLoop(link, concurrency, seconds, defer = (then, worker) => then(worker)) {
  let calls = 0;
  let failed = 0;
  let running = true;
  const latencies = [];
  await new Promise((resolve) => {
    let open = concurrency;
    const next = (worker) => {
      if (!running) {
        if (--open === 0) resolve();
        return;
      }
      const begun = performance.now();
      link.call(request(`session-${worker}`), {
        onMessage() {},
        onResult() {
          calls++;
          if ((calls & 15) === 0) latencies.push(performance.now() - begun);
          defer(next, worker);
        },
        onError() {
          failed++;
          next(worker);
        },
      });
    };
    setTimeout(() => (running = false), seconds * 1000);
    for (let worker = 0; worker < concurrency; worker++) next(worker);
  });
  latencies.sort((a, b) => a - b);
  const at = (share) => Number(latencies[Math.floor(latencies.length * share)]?.toFixed(2));
  return {
    concurrency,
    callsPerSecond: Math.round(calls / seconds),
    failed,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

if (process.argv[2] === 'router') {
  const server = await startLinkServer({ host: '127.0.0.1', port: 0, handler: echo });
  process.send({ port: server.port });
  process.on('message', async () => {
    process.send({ cpuMicros: process.cpuUsage().user + process.cpuUsage().system });
  });
  process.on('disconnect', () => process.exit(0));
} else {
  const seconds = Number(process.argv[2] ?? 4);
  const profile =
    process.env.CPUPROF === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env.CPUPROF}`];
  const router = spawn(
    process.execPath,
    [
      ...profile,
      ...process.execArgv.filter((each) => !each.startsWith('--cpu-prof')),
      fileURLToPath(import.meta.url),
      'router',
    ],
    { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] },
  );
  const [{ port }] = await once(router, 'message');
  const pool = createRouterPool({ routers: [`127.0.0.1:${port}`] });
  await closedLoop(pool, 64, 1);
  for (const concurrency of [1, 64, 256]) {
    const before = process.cpuUsage();
    router.send('cpu');
    const [{ cpuMicros: routerBefore }] = await once(router, 'message');
    const figures = await closedLoop(pool, concurrency, seconds);
    const used = process.cpuUsage(before);
    router.send('cpu');
    const [{ cpuMicros: routerAfter }] = await once(router, 'message');
    const calls = figures.callsPerSecond * seconds;
    console.log(
      JSON.stringify({
        link: 'grpc',
        ...figures,
        gatewayCpuMicrosPerCall: Number(((used.user + used.system) / calls).toFixed(2)),
        routerCpuMicrosPerCall: Number(((routerAfter - routerBefore) / calls).toFixed(2)),
      }),
    );
  }
  await pool[Symbol.asyncDispose]();
  router.disconnect();
  const local = createInProcessLink(echo);
  console.log(JSON.stringify({ link: 'in-process', ...(await closedLoop(local, 64, 1, setImmediate)) }));
  await local[Symbol.asyncDispose]();
}
