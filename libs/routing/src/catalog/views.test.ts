import { describe, expect, it } from 'vitest';
import { serverConfig } from './fixtures/scripted-upstream.js';
import { createViews } from './views.js';

const servers = { files: serverConfig(), memory: serverConfig(), old: serverConfig(true) };

describe('createViews', () => {
  const views = createViews({
    servers,
    views: {
      readonly: {
        servers: ['memory', 'files'],
        tools: { deny: ['*__write_*'] },
        prompts: { allow: ['memory__*'], deny: [] },
        resources: { deny: ['file:///secret/*'] },
      },
    },
  });

  it('has the default view over every enabled server, in the order of the configuration', () => {
    expect(views.requireView('')).toMatchObject({ name: '', prefixed: true, servers: ['files', 'memory'] });
    expect(views.requireView('readonly').servers).toEqual(['files', 'memory']);
  });

  it('resolves prefixed names at the first double underscore', () => {
    const view = views.requireView('');
    expect(view.resolveTool('files__read_file')).toEqual({ server: 'files', upstreamName: 'read_file' });
    expect(view.resolveTool('files__a__b')).toEqual({ server: 'files', upstreamName: 'a__b' });
    expect(view.resolveTool('files___a')).toEqual({ server: 'files', upstreamName: '_a' });
  });

  it.each(['', 'files', 'files__', '__read', 'nowhere__read', 'old__read', 'FILES__read', 'read_file'])(
    'knows no tool %j',
    (name) => {
      expect(views.requireView('').resolveTool(name)).toBeUndefined();
      expect(views.requireView('').resolvePrompt(name)).toBeUndefined();
    },
  );

  it('makes client names that resolve to where they came from', () => {
    const view = views.requireView('');
    const name = view.clientToolName('files', '_odd__name');
    expect(name).toBe('files___odd__name');
    expect(view.resolveTool(name ?? '')).toEqual({ server: 'files', upstreamName: '_odd__name' });
  });

  it('shows a single server without prefix', () => {
    const view = views.requireView('files');
    expect(view).toMatchObject({ prefixed: false, servers: ['files'] });
    expect(view.resolveTool('read_file')).toEqual({ server: 'files', upstreamName: 'read_file' });
    expect(view.clientToolName('files', 'read_file')).toBe('read_file');
    expect(view.clientToolName('memory', 'read_graph')).toBeUndefined();
    expect(view.allowsResource('x://y', 'memory')).toBe(false);
  });

  it('hides what the globs of a view deny, from lists and from calls alike', () => {
    const view = views.requireView('readonly');
    expect(view.resolveTool('files__write_file')).toBeUndefined();
    expect(view.clientToolName('files', 'write_file')).toBeUndefined();
    expect(view.resolveTool('files__read_file')).toBeDefined();
    expect(view.resolvePrompt('files__p')).toBeUndefined();
    expect(view.resolvePrompt('memory__p')).toBeDefined();
    expect(view.allowsResource('file:///secret/key', 'files')).toBe(false);
    expect(view.allowsResource('file:///open', 'files')).toBe(true);
  });

  it('answers an unknown view as a 404, and knows nothing of disabled servers', () => {
    expect(views.viewOf('nope')).toBeUndefined();
    expect(views.viewOf('old')).toBeUndefined();
    expect(() => views.requireView('nope')).toThrowError(
      expect.objectContaining({
        code: 'METHOD_NOT_FOUND',
        message: expect.stringContaining('nope') as string,
      }),
    );
  });
});
