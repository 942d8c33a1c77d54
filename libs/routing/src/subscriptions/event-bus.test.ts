import { expect, test } from 'vitest';
import { serverConfig } from '../catalog/fixtures/scripted-upstream.js';
import { LiveViews } from '../catalog/live-views.js';
import { createViews } from '../catalog/views.js';
import { EventBus } from './event-bus.js';

const listener = (log: string[], name: string, principal: string, session: string) => ({
  audience: { tenant: 't', principal, session },
  onListChanged: () => log.push(name),
});
const viewsOver = (...names: string[]) =>
  createViews({ servers: Object.fromEntries(names.map((name) => [name, serverConfig()])), views: {} });

test('brings a change to everybody who sees the server', () => {
  const bus = new EventBus(viewsOver('a', 'b'));
  const log: string[] = [];
  bus.subscribe('', listener(log, 'x', 'p', ''));
  bus.subscribe('b', listener(log, 'y', 'q', 's'));
  bus.emit({ server: 'b', kind: 'tools', audience: undefined });
  bus.emit({ server: 'a', kind: 'tools', audience: undefined });
  expect(log).toEqual(['x', 'y', 'x']);
});

test("brings a change on a client's own channel to that client alone", () => {
  const bus = new EventBus(viewsOver('a'));
  const log: string[] = [];
  bus.subscribe('a', listener(log, 'mine', 'p', 's'));
  bus.subscribe('a', listener(log, 'other session', 'p', 't'));
  bus.subscribe('a', listener(log, 'other principal', 'q', 's'));
  bus.emit({ server: 'a', kind: 'tools', audience: { tenant: 't', principal: 'p', session: 's' } });
  expect(log).toEqual(['mine']);
});

test('says nothing more after undo', () => {
  const bus = new EventBus(viewsOver('a'));
  const log: string[] = [];
  bus.subscribe('a', listener(log, 'x', 'p', ''))();
  bus.emit({ server: 'a', kind: 'tools', audience: undefined });
  bus.viewChanged('a');
  expect(log).toEqual([]);
});

test('who listened before a server was added hears it, too, and every list of a view that changed', () => {
  const views = new LiveViews(viewsOver('a'));
  const bus = new EventBus(views);
  const log: string[] = [];
  bus.subscribe('', listener(log, 'all', 'p', ''));
  bus.subscribe('a', listener(log, 'a', 'p', ''));
  const changed = views.replace(viewsOver('a', 'b'), new Set());
  expect(changed).toEqual(['', 'b']);
  for (const view of changed) bus.viewChanged(view);
  expect(log.splice(0)).toEqual(['all', 'all', 'all']);
  bus.emit({ server: 'b', kind: 'tools', audience: undefined });
  expect(log).toEqual(['all']);
});
