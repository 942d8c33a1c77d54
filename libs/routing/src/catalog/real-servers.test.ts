import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configSchema } from '@mcp-bridge/service';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UpstreamServer } from '../upstream/channel.js';
import { startUpstreamServer } from '../upstream/upstream-server.js';
import { createCatalog } from './catalog.js';
import type { Catalog } from './catalog.js';
import { LEGACY, MODERN } from './fixtures/scripted-upstream.js';
import type { ListResult } from './fixtures/scripted-upstream.js';
import { createViews } from './views.js';
import type { Views } from './views.js';

const log = pino({ level: 'silent' });

describe('a catalog over server-everything, server-filesystem, server-memory and a command that is missing', () => {
  let folder: string;
  let servers: Map<string, UpstreamServer>;
  let views: Views;
  let catalog: Catalog;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'catalog-'));
    await writeFile(join(folder, 'a.txt'), 'hello');
    const config = configSchema.parse({
      servers: {
        everything: stdio('server-everything', 'stdio'),
        files: stdio('server-filesystem', folder),
        memory: { ...stdio('server-memory'), env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } },
        broken: { command: join(folder, 'no-such-command') },
      },
      views: { readonly: { servers: ['files', 'memory'], tools: { allow: ['*__read_*', '*__list_*'] } } },
      router: { listTimeout: 20_000 },
    });
    views = createViews(config);
    servers = new Map(
      Object.entries(config.servers).map(([name, server]) => [
        name,
        startUpstreamServer(name, server, { log }),
      ]),
    );
    catalog = createCatalog({ servers, views, config: config.router, log });
  });
  afterAll(async () => {
    await Promise.all([...servers.values()].map((server) => server.close()));
    await rm(folder, { recursive: true });
  });

  const list = async (kind: Parameters<Catalog['list']>[0], view: string, caller = {}): Promise<ListResult> =>
    JSON.parse(
      (await catalog.list(kind, views.requireView(view), { ...MODERN, ...caller })).toString(),
    ) as ListResult;

  it('lists the tools of all that run and names the one that does not', async () => {
    const result = await list('tools', '');
    const names = result.tools?.map((tool) => tool.name) ?? [];
    expect(names).toEqual(
      expect.arrayContaining(['everything__echo', 'files__read_text_file', 'memory__read_graph']),
    );
    expect(names.findLastIndex((name) => name.startsWith('everything__'))).toBeLessThan(
      names.findIndex((name) => name.startsWith('files__')),
    );
    expect(result).toMatchObject({
      resultType: 'complete',
      _meta: { 'io.mcp-bridge/upstreams': { broken: { message: expect.any(String) as string } } },
    });
    expect(Object.keys(result._meta?.['io.mcp-bridge/upstreams'] as object)).toEqual(['broken']);
  });

  it('shows each server as it lists itself', async () => {
    const all = (await list('tools', '')).tools ?? [];
    const alone = (await list('tools', 'memory', LEGACY)).tools ?? [];
    expect(alone.length).toBeGreaterThan(5);
    expect(all.filter((tool) => tool.name.startsWith('memory__'))).toEqual(
      alone.map((tool) => ({ ...tool, name: `memory__${tool.name}` })),
    );
  });

  it('shows a view what it allows', async () => {
    const names = (await list('tools', 'readonly')).tools?.map((tool) => tool.name) ?? [];
    expect(names).toEqual(
      expect.arrayContaining(['files__read_text_file', 'files__list_directory', 'memory__read_graph']),
    );
    expect(names.every((name) => /__(read|list)_/.test(name))).toBe(true);
  });

  it('finds the owner of a resource by list and by template', async () => {
    const view = views.requireView('');
    const uri = (await list('resources', '')).resources?.[0]?.uri ?? '';
    expect(await catalog.resourceOwner(view, uri, MODERN)).toBe('everything');
    const template = (await list('resourceTemplates', '')).resourceTemplates?.[0]?.uriTemplate ?? '';
    expect(template).toContain('{');
    expect(await catalog.resourceOwner(view, template.replace(/\{[^}]*\}/g, '7'), MODERN)).toBe('everything');
    expect(await catalog.resourceOwner(view, 'nobody://knows', MODERN)).toBeUndefined();
  });

  it('describes a server with its own name and words, and all together with ours', async () => {
    const discover = async (view: string): Promise<ListResult> =>
      JSON.parse((await catalog.discover(views.requireView(view), MODERN)).toString()) as ListResult;
    expect(await discover('everything')).toMatchObject({
      capabilities: {
        tools: { listChanged: true },
        prompts: {},
        resources: { subscribe: true },
        logging: {},
        completions: {},
      },
      instructions: expect.stringContaining('#') as string,
      _meta: {
        'io.modelcontextprotocol/serverInfo': { name: expect.stringContaining('everything') as string },
      },
    });
    expect(await discover('')).toMatchObject({
      instructions: expect.stringContaining('everything__') as string,
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'mcp-bridge' } },
    });
  });
});

/** The server's entry file, run by this Node: no package runner, no network. */
function stdio(name: string, ...args: string[]): { command: string; args: string[] } {
  const root = dirname(
    createRequire(fileURLToPath(import.meta.url)).resolve(`@modelcontextprotocol/${name}/package.json`),
  );
  return { command: process.execPath, args: [join(root, 'dist', 'index.js'), ...args] };
}
