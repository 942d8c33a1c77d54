/** The parts of V8's `.cpuprofile` that a list of hot functions needs. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Node ids, one per sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

const IDLE = '(idle)';

/** The functions with the most time of their own, as shares of the time in which the process was busy. */
export function hottestFunctions(profile: CpuProfile, count: number): string {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const selfUs = new Map<string, number>();
  let busyUs = 0;
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '?';
    if (name === IDLE) return;
    const us = profile.timeDeltas[index] ?? 0;
    busyUs += us;
    selfUs.set(name, (selfUs.get(name) ?? 0) + us);
  });
  return [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, us]) => `${((us / busyUs) * 100).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}

/** `readBody libs/edge/dist/http/body.js:12`; V8's own entries have no place. */
function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.replace(/^.*\/(?=(?:libs|apps|tools|node_modules)\/)/, '').replace(/^file:\/\//, '');
  return `${name} ${place}:${lineNumber + 1}`;
}
