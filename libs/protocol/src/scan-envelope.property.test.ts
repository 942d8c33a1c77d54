import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ABSENT, type Envelope, type Span } from './envelope.js';
import { BridgeError } from './errors.js';
import { isBatch, readableId, scanEnvelope, scanMessages } from './scan-envelope.js';
import {
  anyString,
  damagedJson,
  jsonText,
  reference,
  refusal,
  shifted,
  stringText,
} from './testing/json-bytes.js';

const value = (envelope: Envelope, span: Span): unknown =>
  span === ABSENT ? undefined : JSON.parse(envelope.bytes.toString('utf8', span.start, span.end));

describe('against JSON.parse', () => {
  const keyText = (key: string) =>
    fc.array(fc.boolean(), { minLength: key.length, maxLength: key.length }).map((escape) => {
      const units = [...key].map((c, i) =>
        escape[i] ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c,
      );
      return `"${units.join('')}"`;
    });
  const member = (key: string, value: fc.Arbitrary<string>) =>
    fc.tuple(keyText(key), value).map(([name, raw]) => `${name}: ${raw}`);
  const object = (members: fc.Arbitrary<string>[]) =>
    fc
      .shuffledSubarray(members)
      .chain((some) => fc.tuple(...some))
      .map((some) => `{ ${some.join(' ,')}}`);
  const string = stringText.map((made) => made.text);
  const meta = object([
    member('progressToken', fc.oneof(fc.integer().map(String), string)),
    member('io.modelcontextprotocol/clientCapabilities', fc.constant('{"sampling":{}}')),
    member('other/key', jsonText),
  ]);
  const params = object([
    member('name', string),
    member('arguments', jsonText),
    member('cursor', string),
    member('inputResponses', jsonText),
    member('_meta', meta),
    member('unknown', jsonText),
  ]);
  const request = fc
    .tuple(
      member('jsonrpc', fc.constant('"2.0"')),
      member(
        'id',
        fc.oneof(
          fc.bigInt().map(String),
          string.filter((raw) => Buffer.byteLength(raw) <= 1024),
        ),
      ),
      member('method', fc.constantFrom('"tools/call"', '"x/y"')),
      member('params', params),
    )
    .chain((members) => fc.shuffledSubarray(members, { minLength: members.length }))
    .map((members) => `\t{${members.join(',\n')} }\r\n`);

  it('reads the same values from any spelling of a request', () => {
    fc.assert(
      fc.property(request, fc.nat({ max: 3 }), (message, by) => {
        const bytes = shifted(Buffer.from(message), by);
        const parsed = JSON.parse(message) as {
          id: unknown;
          method: string;
          params: Record<string, unknown>;
        };
        const isWellFormed = (what: unknown) => typeof what !== 'string' || !/\p{Surrogate}/u.test(what);
        const halves = [parsed.params['cursor'], parsed.method === 'tools/call' ? parsed.params['name'] : ''];
        fc.pre(halves.every(isWellFormed));
        const envelope = scanEnvelope(bytes);
        expect(envelope.method).toBe(parsed.method);
        expect(value(envelope, envelope.id)).toEqual(parsed.id);
        expect(value(envelope, envelope.params)).toEqual(parsed.params);
        expect(envelope.name).toBe(parsed.method === 'tools/call' ? parsed.params['name'] : undefined);
        expect(envelope.cursor).toBe(parsed.params['cursor']);
        expect(value(envelope, envelope.arguments)).toEqual(parsed.params['arguments']);
        expect(value(envelope, envelope.inputResponses)).toEqual(parsed.params['inputResponses']);
        const { progressToken, 'io.modelcontextprotocol/clientCapabilities': capabilities } = (parsed.params[
          '_meta'
        ] ?? {}) as Record<string, unknown>;
        expect(value(envelope, envelope.progressToken)).toEqual(progressToken);
        expect(value(envelope, envelope.clientCapabilities)).toEqual(capabilities);
      }),
    );
  });

  it('never accepts what JSON.parse refuses, and calls nothing bad JSON that JSON.parse accepts', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(damagedJson, (damage) => {
        const bytes = Buffer.concat([
          Buffer.from('{"jsonrpc":"2.0","method":"tools/call","params":{"arguments":'),
          damage,
          Buffer.from('}}'),
        ]);
        const code = refusal(() => scanEnvelope(bytes));
        outcomes.add(code ?? 'accepted');
        const parsed = reference(bytes);
        const agrees =
          code === undefined ? parsed !== undefined : code === 'PARSE_ERROR' ? parsed === undefined : true;
        expect(agrees).toBe(true);
      }),
    );
    expect(outcomes).toContain('accepted');
    expect(outcomes).toContain('PARSE_ERROR');
  });

  it('throws nothing but BridgeError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        for (const act of [scanEnvelope, scanMessages, isBatch, readableId]) {
          try {
            act(Buffer.from(noise));
          } catch (error) {
            expect(error).toBeInstanceOf(BridgeError);
          }
        }
      }),
    );
  });

  it('decodes long and repeated strings alike', () => {
    fc.assert(
      fc.property(anyString, (name) => {
        fc.pre(!/\p{Surrogate}/u.test(name));
        const bytes = Buffer.from(
          JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }),
        );
        expect([scanEnvelope(bytes).name, scanEnvelope(bytes).name]).toEqual([name, name]);
      }),
    );
  });
});
