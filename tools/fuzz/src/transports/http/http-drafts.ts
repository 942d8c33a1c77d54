import { initializeMessage, legacyEcho, legacyMessage, LEGACY_VERSIONS } from '../../corpus/legacy.js';
import type { Material } from '../../corpus/material.js';
import type { Message } from '../../corpus/message.js';
import { forged, modernEcho, modernMessage } from '../../corpus/modern.js';
import { mutated } from '../../corpus/mutated.js';
import type { Random } from '../../random.js';
import { MAX_MESSAGE_BYTES } from '../../target/target.js';
import type { Header, HttpDraft } from './http-input.js';
import type { HttpSessions } from './http-sessions.js';

const LIMITS = { oversizeBytes: MAX_MESSAGE_BYTES };
const PATH = '/mcp';

/** What drafts are made with. */
export interface DraftSource {
  readonly random: Random;
  readonly step: number;
  readonly material: Material;
  readonly sessions: HttpSessions;
  readonly port: number;
}

/** The request of a step; its transport is still in order. `fixed` ones are not to be changed further. */
export function draftOf(source: DraftSource): { readonly draft: HttpDraft; readonly fixed: boolean } {
  const { random } = source;
  const kind = random.below(100);
  if (kind < 4) return { draft: control(source), fixed: true };
  if (kind < 7) return { draft: foreignToken(source), fixed: true };
  if (kind < 10) return { draft: getStream(source), fixed: false };
  if (kind < 11) return { draft: remove(source), fixed: false };
  if (kind < 13) return { draft: initialize(source), fixed: false };
  return { draft: random.oneIn(2) ? legacy(source) : modern(source), fixed: false };
}

/** A valid call whose reply is known. Its session belongs to controls alone. */
function control(source: DraftSource): HttpDraft {
  const { random, step, sessions } = source;
  if (random.oneIn(2)) return modernDraft(source, modernEcho(random, step), undefined);
  const version = random.pick(LEGACY_VERSIONS);
  const message = legacyEcho(step, version);
  return legacyDraft(source, message, sessions.control(version), undefined);
}

/** A valid request with the session of another tenant, or with a token that was tampered with: 404. */
function foreignToken(source: DraftSource): HttpDraft {
  const { random, step, sessions } = source;
  const version = random.pick(LEGACY_VERSIONS);
  const isForeign = random.oneIn(2);
  const own = sessions.control(version);
  const token = isForeign ? sessions.foreign(version) : forged(own, random).trim();
  const draft = legacyDraft(source, legacyEcho(step, version), token, undefined);
  draft.what = isForeign ? 'foreign session' : 'tampered session';
  draft.echoes = undefined;
  // A forgery can come out as the token itself, or as none.
  draft.status = token === own ? undefined : token === '' ? 400 : 404;
  return draft;
}

function legacy(source: DraftSource): HttpDraft {
  const { random, step, material, sessions } = source;
  const session = sessions.some(random);
  return legacyDraft(source, legacyMessage(random, step, material, session.version), session.token, random);
}

function modern(source: DraftSource): HttpDraft {
  const { random, step, material } = source;
  return modernDraft(source, modernMessage(random, step, material), random);
}

function initialize(source: DraftSource): HttpDraft {
  const { random, step } = source;
  return legacyDraft(source, initializeMessage(random, step), '', random);
}

/** @param mutating - undefined leaves the message as it is */
function legacyDraft(
  source: DraftSource,
  message: Message,
  token: string,
  mutating: Random | undefined,
): HttpDraft {
  const headers: Header[] = [...baseHeaders(source)];
  if (token !== '') headers.push(['Mcp-Session-Id', token]);
  if (message.version >= '2025-06-18') headers.push(['MCP-Protocol-Version', message.version]);
  return bodyDraft(message, headers, mutating);
}

function modernDraft(source: DraftSource, message: Message, mutating: Random | undefined): HttpDraft {
  const headers: Header[] = [
    ...baseHeaders(source),
    ['MCP-Protocol-Version', message.version],
    ['Mcp-Method', message.method],
  ];
  if (message.target !== undefined) headers.push(['Mcp-Name', message.target]);
  if (mutating?.oneIn(10) === true)
    headers.push([`Mcp-Param-${mutating.pick(['A', 'text', 'constructor'])}`, 'x']);
  return bodyDraft(message, headers, mutating);
}

function bodyDraft(message: Message, headers: Header[], mutating: Random | undefined): HttpDraft {
  const { bytes, how } =
    mutating === undefined
      ? { bytes: Buffer.from(JSON.stringify(message.value)), how: '' }
      : mutated(message, mutating, LIMITS);
  const isValid = how === '';
  return {
    method: 'POST',
    path: PATH,
    headers,
    body: bytes,
    message,
    what: isValid ? message.name : `${message.name} ${how}`,
    // Sessions of the pool may have been ended by an earlier step, so only controls must succeed.
    status: mutating === undefined ? 200 : undefined,
    echoes: isValid ? message.echoes : undefined,
    endless: message.endless,
    replays: false,
    slow: message.slow,
  };
}

function baseHeaders({ port }: DraftSource): Header[] {
  return [
    ['Host', `127.0.0.1:${port}`],
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json, text/event-stream'],
  ];
}

/** The stream of a session, or the rest of a stream. */
function getStream(source: DraftSource): HttpDraft {
  const { random, material, sessions } = source;
  const { token, version } = sessions.some(random);
  const headers: Header[] = [
    ['Host', `127.0.0.1:${source.port}`],
    ['Accept', 'text/event-stream'],
    ['Mcp-Session-Id', random.oneIn(8) ? forged(token, random).trim() : token],
    ['MCP-Protocol-Version', version],
  ];
  let replays = false;
  if (random.oneIn(2)) {
    const known = material.someEventId(random) ?? { id: 'none-0', session: '' };
    const invented = [
      '',
      '-',
      '-1',
      'x-',
      `${known.id}0`,
      '__proto__-1',
      'a-99999999999999999999',
      'x'.repeat(3_000),
    ];
    headers.push(['Last-Event-ID', random.oneIn(2) ? known.id : random.pick(invented)]);
    replays = known.session === token;
  }
  return { ...bodyless('GET', 'GET stream', headers, true), replays };
}

function remove(source: DraftSource): HttpDraft {
  const { random, sessions } = source;
  const token = random.oneIn(2) ? sessions.spare() : forged(sessions.some(random).token, random).trim();
  return bodyless(
    'DELETE',
    'DELETE',
    [
      ['Host', `127.0.0.1:${source.port}`],
      ['Mcp-Session-Id', token],
    ],
    false,
  );
}

function bodyless(method: string, what: string, headers: Header[], endless: boolean): HttpDraft {
  return {
    method,
    path: PATH,
    headers,
    body: Buffer.alloc(0),
    message: undefined,
    what,
    status: undefined,
    echoes: undefined,
    endless,
    replays: false,
    slow: false,
  };
}
