import { describe, expect, it } from 'vitest';
import { BodyCollector } from './body-collector.js';

function collected(bytes: number, parts: readonly Buffer[]): Buffer {
  const body = new BodyCollector(bytes);
  for (const part of parts) body.add(part);
  return body.take();
}

const parts = ['one', 'two', 'three'].map((text) => Buffer.from(text));

describe('BodyCollector', () => {
  it.each([
    ['is not known', 0],
    ['is known', 11],
    ['was announced too large', 20],
  ])('puts parts together in order when the length %s', (_case, bytes) => {
    expect(collected(bytes, parts).toString()).toBe('onetwothree');
  });

  it('takes no more than was announced', () => {
    expect(collected(7, parts).toString()).toBe('onetwot');
  });

  it('lets go of the memory of parts when the length is known', () => {
    const [one, two] = [Buffer.from('one'), Buffer.from('two')];
    const body = new BodyCollector(6);
    body.add(one);
    body.add(two);
    one.fill('x');
    two.fill('x');
    expect(body.take().toString()).toBe('onetwo');
  });

  it.each([0, 3])('does not copy a body that comes in one part (announced: %i)', (bytes) => {
    const part = Buffer.from('one');
    expect(collected(bytes, [part])).toBe(part);
  });

  it('of nothing is empty', () => {
    expect(collected(5, [])).toHaveLength(0);
  });
});
