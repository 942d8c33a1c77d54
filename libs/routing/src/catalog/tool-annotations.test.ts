import { expect, it } from 'vitest';
import { isRepeatable } from './tool-annotations.js';

it.each([
  [{ annotations: { idempotentHint: true } }, true],
  [{ annotations: { readOnlyHint: true, idempotentHint: false } }, true],
  [{ annotations: { idempotentHint: false } }, false],
  [{ annotations: { idempotentHint: 'true', readOnlyHint: 1 } }, false],
  [{ annotations: { destructiveHint: false } }, false],
  [{ annotations: null, description: 'idempotentHint' }, false],
  [{ idempotentHint: true }, false],
  [{}, false],
])('judges %j as repeatable: %s', (members, repeatable) => {
  expect(isRepeatable(Buffer.from(JSON.stringify({ name: 'x', ...members })))).toBe(repeatable);
});

it('reads names that are written with escapes', () => {
  expect(isRepeatable(Buffer.from('{"name":"x","annotations":{"read\\u004fnlyH\\u0069nt":true}}'))).toBe(
    true,
  );
});
