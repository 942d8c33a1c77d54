import { startGenerator } from '../load/generator-load.js';
import type { LoadSpec } from '../load/drivers.js';
import { startWrkLoad } from '../load/wrk.js';
import type { WrkRequest } from '../load/wrk-script.js';
import { startLimit, type LimitServer, type RunningLimit } from '../limits/start-limit.js';
import type { Subject } from '../measure/compare.js';
import type { MeteredProcess } from '../measure/process-meter.js';
import type { Resources } from '../resources.js';

/** A raw server under wrk, 64 connections unless told otherwise. */
export async function rawWrkSubject(
  resources: Resources,
  name: string,
  server: LimitServer,
  request: WrkRequest,
  connections?: number,
): Promise<Subject> {
  const limit = resources.add(await startLimit(server));
  return wrkSubject(resources, name, limit.url, processesOf(limit), request, connections);
}

/** Anything under wrk. */
export async function wrkSubject(
  resources: Resources,
  name: string,
  url: string,
  processes: readonly MeteredProcess[],
  request: WrkRequest,
  connections?: number,
): Promise<Subject> {
  const count = connections === undefined ? {} : { connections };
  return { name, processes, load: resources.add(await startWrkLoad({ url, request, ...count })) };
}

/** Anything under the own generator. */
export async function ownSubject(
  resources: Resources,
  name: string,
  processes: readonly MeteredProcess[],
  spec: LoadSpec,
): Promise<Subject> {
  return { name, processes, load: resources.add(await startGenerator(spec)) };
}

/** A raw server under the own generator. */
export async function rawOwnSubject(
  resources: Resources,
  name: string,
  server: LimitServer,
  specOf: (limit: RunningLimit) => LoadSpec,
): Promise<Subject> {
  const limit = resources.add(await startLimit(server));
  return ownSubject(resources, name, processesOf(limit), specOf(limit));
}

function processesOf({ service }: RunningLimit): readonly MeteredProcess[] {
  return [{ name: 'server', pid: service.pid }];
}
