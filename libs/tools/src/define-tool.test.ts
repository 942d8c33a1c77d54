import { expect, expectTypeOf, test } from 'vitest';
import { defineTool } from './define-tool.js';
import type { FromSchema } from './json-schema.js';

test('a definition passes as it is, its arguments typed by its schema', async () => {
  const tool = defineTool({
    name: 'add',
    inputSchema: {
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'integer' }, unit: { enum: ['m', 'km'] } },
      required: ['a', 'b'],
    },
    handler(args) {
      expectTypeOf(args).toEqualTypeOf<{ a: number; b: number; unit?: 'm' | 'km' }>();
      return { sum: args.a + args.b };
    },
  });
  const context = {
    signal: new AbortController().signal,
    principal: { tenant: 't', id: 'p' },
    callId: '1',
    progress: () => undefined,
    log: () => undefined,
  };
  expect(await tool.handler({ a: 1, b: 2 }, context)).toEqual({ sum: 3 });
});

test('the results of a batch handler are held to the output schema', () => {
  defineTool({
    name: 'double',
    inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    outputSchema: { type: 'object', properties: { twice: { type: 'number' } }, required: ['twice'] },
    handler: ({ n }) => ({ twice: 2 * n }),
    handleBatch: (calls) => {
      expectTypeOf(calls[0]!.args).toEqualTypeOf<{ n: number }>();
      return calls.map(({ args }) => (args.n < 0 ? new Error('negative') : { twice: 2 * args.n }));
    },
    batch: { maxSize: 8, maxWaitMs: 5 },
  });
  // @ts-expect-error: `twice` is a number.
  const wrong: FromSchema<{ type: 'object'; properties: { twice: { type: 'number' } } }> = { twice: 'four' };
  expect(wrong).toBeDefined();
});

test('types follow arrays, unions, tuples and maps', () => {
  expectTypeOf<FromSchema<{ type: 'array'; items: { type: ['string', 'null'] } }>>().toEqualTypeOf<
    (string | null)[]
  >();
  expectTypeOf<FromSchema<{ anyOf: readonly [{ const: 1 }, { type: 'boolean' }] }>>().toEqualTypeOf<
    1 | boolean
  >();
  expectTypeOf<FromSchema<{ type: 'object'; additionalProperties: { type: 'number' } }>>().toEqualTypeOf<
    Record<string, number>
  >();
  expectTypeOf<
    FromSchema<{ type: 'array'; prefixItems: readonly [{ type: 'string' }, { type: 'number' }] }>
  >().toEqualTypeOf<[string, number]>();
  expectTypeOf<FromSchema<{ $ref: '#/$defs/x' }>>().toEqualTypeOf<unknown>();
  expectTypeOf<FromSchema<true>>().toEqualTypeOf<unknown>();
});
