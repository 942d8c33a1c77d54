import { expect, test } from 'vitest';
import { codecs } from './codecs.js';
import { toolResults } from './tool-results.js';

test.each(codecs.map((codec) => [codec.name, codec] as const))(
  '%s gives back what it was given',
  (_name, codec) => {
    for (const [what, value] of Object.entries(toolResults()))
      expect(codec.decode(codec.encode(value)), what).toEqual(value);
  },
);
