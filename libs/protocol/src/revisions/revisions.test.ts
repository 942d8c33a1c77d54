import { describe, expect, it } from 'vitest';
import { targetKeyOf, targetOf } from '../targets.js';
import {
  ASSUMED_LEGACY_VERSION,
  isCacheable,
  LEGACY_VERSIONS,
  mayRequireInput,
  MODERN_VERSIONS,
  negotiateLegacyVersion,
  revisionOf,
  SUPPORTED_VERSIONS,
} from './revisions.js';

const supported = SUPPORTED_VERSIONS.map((version) => revisionOf(version)!);
const having = (test: (revision: (typeof supported)[number]) => boolean) =>
  supported.filter(test).map((revision) => revision.version);

describe('versions', () => {
  it('are five, newest first', () => {
    expect(SUPPORTED_VERSIONS).toEqual([
      '2026-07-28',
      '2025-11-25',
      '2025-06-18',
      '2025-03-26',
      '2024-11-05',
    ]);
    expect(MODERN_VERSIONS).toEqual(['2026-07-28']);
    expect(LEGACY_VERSIONS).toEqual(SUPPORTED_VERSIONS.slice(1));
  });

  it('are found by exact name only', () => {
    expect(revisionOf('2025-06-18')?.version).toBe('2025-06-18');
    expect(['2025-06-19', '', '__proto__', 'latest'].map(revisionOf)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['2025-03-26', '2025-03-26'],
    ['2024-11-05', '2024-11-05'],
    ['2099-01-01', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    [undefined, '2025-11-25'],
  ])('initialize for %s is answered with %s', (requested, answered) => {
    expect(negotiateLegacyVersion(requested)).toBe(answered);
  });
});

describe('what revisions have', () => {
  it('batches: 2025-03-26 alone', () => {
    expect(having((revision) => revision.batches)).toEqual(['2025-03-26']);
    expect(ASSUMED_LEGACY_VERSION).toBe('2025-03-26');
  });

  it('the version header: from 2025-06-18, always from 2026-07-28', () => {
    expect(supported.map((revision) => revision.versionHeader)).toEqual([
      'always',
      'after-initialize',
      'after-initialize',
      'never',
      'never',
    ]);
  });

  it('sessions and resumption: the three Streamable HTTP revisions of the legacy era', () => {
    const streamable = ['2025-11-25', '2025-06-18', '2025-03-26'];
    expect(having((revision) => revision.sessions)).toEqual(streamable);
    expect(having((revision) => revision.resumable)).toEqual(streamable);
    expect(having((revision) => revision.httpTransport === 'streamable')).toEqual(streamable);
  });

  it('requests from the server: never in the modern era', () => {
    expect(having((revision) => revision.methods.serverRequests.size === 0)).toEqual(MODERN_VERSIONS);
    expect(having((revision) => revision.methods.serverRequests.has('elicitation/create'))).toEqual([
      '2025-11-25',
      '2025-06-18',
    ]);
  });

  it('methods that 2026-07-28 removed: everywhere before, never there', () => {
    for (const method of [
      'initialize',
      'ping',
      'logging/setLevel',
      'resources/subscribe',
      'resources/unsubscribe',
    ]) {
      expect(having((revision) => revision.methods.clientRequests.has(method))).toEqual(LEGACY_VERSIONS);
    }
    for (const method of ['server/discover', 'subscriptions/listen']) {
      expect(having((revision) => revision.methods.clientRequests.has(method))).toEqual(MODERN_VERSIONS);
    }
  });

  it('tasks: core in 2025-11-25, an extension with another set of methods in 2026-07-28', () => {
    expect(having((revision) => revision.methods.clientRequests.has('tasks/result'))).toEqual(['2025-11-25']);
    expect(having((revision) => revision.methods.extensionRequests.has('tasks/update'))).toEqual([
      '2026-07-28',
    ]);
  });

  it('the code of a missing resource: -32002 before, -32602 now', () => {
    expect(having((revision) => revision.resourceNotFound === 'INVALID_PARAMS')).toEqual(MODERN_VERSIONS);
  });
});

describe('methods of the modern era', () => {
  it('six are cacheable, three may require input', () => {
    const all = [...revisionOf('2026-07-28')!.methods.clientRequests];
    expect(all.filter(isCacheable).sort()).toEqual([
      'prompts/list',
      'resources/list',
      'resources/read',
      'resources/templates/list',
      'server/discover',
      'tools/list',
    ]);
    expect(all.filter(mayRequireInput).sort()).toEqual(['prompts/get', 'resources/read', 'tools/call']);
  });

  it.each([
    ['tools/call', 'name'],
    ['prompts/get', 'name'],
    ['resources/read', 'uri'],
    ['tasks/get', 'taskId'],
    ['tasks/update', 'taskId'],
    ['tasks/cancel', 'taskId'],
    ['tools/list', undefined],
    ['completion/complete', undefined],
    ['resources/subscribe', undefined],
  ])('Mcp-Name of %s mirrors %s', (method, key) => {
    expect(targetOf(method)).toBe(key);
  });

  it('Mcp-Name mirrors what the envelope calls the name', () => {
    const methods = supported.flatMap(({ methods: { clientRequests, extensionRequests } }) => [
      ...clientRequests,
      ...extensionRequests,
    ]);
    const mirrored = methods.filter((method) => targetOf(method) !== undefined);
    expect(mirrored.map(targetKeyOf)).toEqual(mirrored.map(targetOf));
  });
});
