import { expect, test } from 'vitest';
import { createLogger } from './logging.js';

function capture(secrets: string[] = []) {
  const blanked = new Set(secrets);
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLogger({ name: 'test', level: 'info', secrets: blanked, destination }) };
}

test('writes one JSON object a line with level and time as words', () => {
  const { lines, log } = capture();
  log.info({ port: 1 }, 'listens');
  log.debug('not this one');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', name: 'test', port: 1, msg: 'listens' });
  expect(JSON.parse(lines[0]!).time).toMatch(/^\d{4}-\d\d-\d\dT/);
});

test('blanks secret fields at any of three levels', () => {
  const { lines, log } = capture();
  log.warn({ token: 'aa', request: { headers: { authorization: 'bb' } }, a: { b: { password: 'cc' } } }, 'x');
  expect(lines.join('')).not.toMatch(/aa|bb|cc/);
});

test('blanks configured secret values wherever they appear, also escaped ones', () => {
  const { lines, log } = capture(['pass"word\\1', 'short']);
  log.error({ err: new Error('upstream said pass"word\\1') }, 'stderr: pass"word\\1 short');
  expect(lines[0]).not.toContain('word');
  expect(JSON.parse(lines[0]!).msg).toBe('stderr: [redacted] short');
});
