import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventFrame, primingFrame, retryFrame } from './event-frame.js';

/** Reads one event as the HTML standard says. */
function parse(frame: Buffer): { id: string | undefined; event: string | undefined; data: string } {
  const fields = { id: undefined as string | undefined, event: undefined as string | undefined };
  const data: string[] = [];
  for (const line of frame.toString('utf8').split(/\r\n|\r|\n/)) {
    const value = line.slice(line.indexOf(':') + 1).replace(/^ /, '');
    if (line.startsWith('data:')) data.push(value);
    else if (line.startsWith('id:')) fields.id = value;
    else if (line.startsWith('event:')) fields.event = value;
  }
  return { ...fields, data: data.join('\n') };
}

describe('event frames', () => {
  it('carry any JSON, however it is laid out', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', '\n', '\t', '\r\n  '), (text, indent) => {
        const value: unknown = JSON.parse(text);
        const laidOut = JSON.stringify(value, null, indent === '' ? undefined : 2).replaceAll(
          '\n',
          indent || '\n',
        );
        const frame = eventFrame('s-1', '', Buffer.from(laidOut), '');
        expect(frame.toString('utf8').endsWith('\n\n')).toBe(true);
        expect(frame.subarray(0, -2).includes('\n\n')).toBe(false);
        const event = parse(frame);
        expect([event.id, event.event]).toEqual(['s-1', 'message']);
        expect(JSON.parse(event.data)).toEqual(value);
      }),
    );
  });

  it('keep escaped line breaks inside strings', () => {
    const json = JSON.stringify({ text: 'a\nb\r\nc\u2028é' });
    expect(JSON.parse(parse(eventFrame('', '', Buffer.from(json), '')).data)).toEqual(JSON.parse(json));
  });

  it('wrap a result without parsing it', () => {
    const frame = eventFrame('', '{"jsonrpc":"2.0","id":"ä","result":', Buffer.from('{"n":1.50}'), '}');
    expect(parse(frame).data).toBe('{"jsonrpc":"2.0","id":"ä","result":{"n":1.50}}');
    expect(frame.includes('id: ')).toBe(false);
  });

  it("leave the caller's bytes alone", () => {
    const bytes = Buffer.from('{\n}');
    eventFrame('', '', bytes, '');
    expect(bytes.toString()).toBe('{\n}');
  });

  it('prime with an id and no data, and ask for patience', () => {
    expect(parse(primingFrame('s-0'))).toMatchObject({ id: 's-0', data: '' });
    expect(retryFrame(250).toString()).toBe('retry: 250\n\n');
  });
});
