import { codecs, type Codec } from '../measure/codecs.js';
import { compare, joinComparisons, ratio, type Comparison } from '../measure/compare.js';
import { median, medianRatio } from '../measure/statistics.js';
import { toolResults } from '../measure/tool-results.js';
import { createResources } from '../resources.js';
import type { RatioResult, Scenario, ScenarioContext } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { BENCH_KEY, nativeCall, startNativeBridge } from './native-bridge.js';
import { ownSubject } from './raw-subject.js';

const ROUNDS = 7;
const BATCH_MS = 40;
const CLIENTS = 64;
const TEXTS = { '100 B': 100, '16 KB': 16_000 } as const;

/** What formats cost and save on tool results: as libraries, and through the bridge where it speaks them. */
export const serialization: Scenario = {
  name: 'serialization',
  summary: 'JSON, MessagePack, Protobuf and CBOR on tool results: time, size; over TCP end to end',
  async run(context) {
    const figures = Object.entries(toolResults()).flatMap(([what, value]) => {
      context.progress(what);
      return figuresOf(what, value);
    });
    const { comparison, ratios } = await endToEnd(context);
    return { comparison, ratios: [...figures, ...ratios], goals: [] };
  },
};

/** Encoding and decoding one result, in turn with all formats. */
function figuresOf(what: string, value: Record<string, unknown>): RatioResult[] {
  const encoded = codecs.map((codec) => codec.encode(value));
  const encodeUs = codecs.map((): number[] => []);
  const decodeUs = codecs.map((): number[] => []);
  // The first round is compiled away.
  for (let round = 0; round <= ROUNDS; round += 1)
    codecs.forEach((codec, index) => {
      const bytes = encoded[index] ?? new Uint8Array();
      const times = [timeUs(() => codec.encode(value)), timeUs(() => codec.decode(bytes))] as const;
      if (round === 0) return;
      encodeUs[index]?.push(times[0]);
      decodeUs[index]?.push(times[1]);
    });
  const json = encoded[0]?.length ?? Number.NaN;
  const of = (figures: number[][], index: number): number[] => figures[index] ?? [];
  const others: readonly (readonly [Codec, number])[] = codecs
    .map((codec, index) => [codec, index] as const)
    .slice(1);
  return [
    { what: `${what}: JSON, size`, value: json, unit: 'bytes' },
    { what: `${what}: JSON, encode`, value: median(of(encodeUs, 0)), unit: 'µs' },
    { what: `${what}: JSON, decode`, value: median(of(decodeUs, 0)), unit: 'µs' },
    ...others.flatMap(([{ name }, index]) => [
      { what: `${what}: ${name} / JSON, size`, value: (encoded[index]?.length ?? Number.NaN) / json },
      { what: `${what}: ${name} / JSON, encode`, value: medianRatio(of(encodeUs, index), of(encodeUs, 0)) },
      { what: `${what}: ${name} / JSON, decode`, value: medianRatio(of(decodeUs, index), of(decodeUs, 0)) },
    ]),
  ];
}

/** Microseconds of one run, from as many as fit into a short while. */
function timeUs(run: () => unknown): number {
  const startedAt = performance.now();
  let runs = 0;
  let elapsedMs: number;
  do {
    run();
    runs += 1;
    elapsedMs = performance.now() - startedAt;
  } while (elapsedMs < BATCH_MS);
  return (elapsedMs * 1000) / runs;
}

/** Calls of a native tool that returns its text, over binary TCP in both encodings. */
async function endToEnd({
  pace,
  progress,
  profileFolder,
}: ScenarioContext): Promise<{ comparison: Comparison; ratios: RatioResult[] }> {
  buildBridge(progress);
  await using resources = createResources();
  const bridge = resources.add(await startNativeBridge({ tcp: true, profileFolder }));
  const port = bridge.gateways[0]?.tcpPort ?? 0;
  const comparisons: Comparison[] = [];
  const ratios: RatioResult[] = [];
  for (const [size, length] of Object.entries(TEXTS)) {
    const { method, params } = nativeCall('x'.repeat(length));
    const spec = { kind: 'tcp', port, connections: CLIENTS, key: BENCH_KEY, method, params } as const;
    const json = `TCP, JSON, ${size}`;
    const msgpack = `TCP, MessagePack, ${size}`;
    const comparison = await compare(
      [
        await ownSubject(resources, json, bridge.processes, { ...spec, encoding: 'json' }),
        await ownSubject(resources, msgpack, bridge.processes, { ...spec, encoding: 'msgpack' }),
      ],
      pace,
      progress,
    );
    comparisons.push(comparison);
    ratios.push({
      what: `CPU per request, ${msgpack} / JSON`,
      value: ratio(comparison, 'cpuUsPerRequest', msgpack, json),
    });
  }
  return { comparison: joinComparisons(comparisons), ratios };
}
