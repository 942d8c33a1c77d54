import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromWire, toWire } from './error-wire.js';
import { BridgeError, errorMember, ERRORS, type ErrorCode } from './errors.js';

// `as`: Object.keys answers string[] for any record.
const codes = Object.keys(ERRORS) as ErrorCode[];
const known = fc.record({
  code: fc.constantFrom(...codes),
  message: fc.string(),
  rpcCode: fc.integer(),
  data: fc.option(fc.json(), { nil: undefined }),
});

describe('the error table', () => {
  it('is this table: clients and dashboards depend on it', () => {
    const rows = codes.map((code) => {
      const { rpc, http, grpc, retry } = ERRORS[code];
      return `${code} ${rpc} ${http} ${grpc}${retry ? ' retry' : ''}`;
    });
    expect(rows).toEqual([
      'PARSE_ERROR -32700 400 3',
      'INVALID_REQUEST -32600 400 3',
      'METHOD_NOT_FOUND -32601 404 12',
      'INVALID_PARAMS -32602 400 3',
      'INTERNAL -32603 500 13',
      'HEADER_MISMATCH -32020 400 3',
      'MISSING_CAPABILITY -32021 400 9',
      'UNSUPPORTED_VERSION -32022 400 9',
      'RESOURCE_NOT_FOUND -32002 200 5',
      'SESSION_NOT_FOUND -32600 404 5',
      'PAYLOAD_TOO_LARGE -32600 413 8',
      'UNAUTHENTICATED -31008 401 16',
      'UPSTREAM_UNAVAILABLE -31001 503 14 retry',
      'DEADLINE_EXCEEDED -31002 504 4',
      'OVERLOADED -31003 503 8 retry',
      'UPSTREAM_PROTOCOL -31004 502 13',
      'OUTCOME_UNKNOWN -31005 502 2',
      'DRAINING -31006 503 14 retry',
      'DENIED -31007 403 7',
      'CANCELLED -31009 499 1',
      'UPSTREAM_ERROR 0 200 2',
      'CONFIG_INVALID -32603 500 9',
    ]);
  });

  it('takes only the specified codes of the range that the specification reserves', () => {
    const reserved = codes.map((code) => ERRORS[code].rpc).filter((rpc) => rpc <= -32020 && rpc >= -32099);
    expect(new Set(reserved)).toEqual(new Set([-32020, -32021, -32022]));
  });

  it('never calls a retry safe after a call may have run', () => {
    const unsafe: ErrorCode[] = [
      'OUTCOME_UNKNOWN',
      'DEADLINE_EXCEEDED',
      'UPSTREAM_PROTOCOL',
      'UPSTREAM_ERROR',
      'CANCELLED',
    ];
    expect(unsafe.filter((code) => ERRORS[code].retry)).toEqual([]);
  });

  it.each(codes)('%s has an HTTP status and a gRPC status', (code) => {
    const { http, grpc } = ERRORS[code];
    expect(http).toBeGreaterThanOrEqual(200);
    expect(http).toBeLessThan(600);
    expect(grpc).toBeGreaterThan(0);
    expect(grpc).toBeLessThanOrEqual(16);
  });
});

describe('BridgeError.from', () => {
  it('keeps its own and hides the text of foreign errors', () => {
    const own = new BridgeError('DENIED', 'no');
    expect(BridgeError.from(own)).toBe(own);
    const foreign = BridgeError.from(new Error('password=x'));
    expect([foreign.code, foreign.message]).toEqual(['INTERNAL', 'Internal error']);
    expect(foreign.cause).toBeInstanceOf(Error);
    expect(BridgeError.from(undefined).code).toBe('INTERNAL');
  });
});

describe('the wire form', () => {
  it('survives structured clone and JSON', () => {
    fc.assert(
      fc.property(known, ({ code, message, rpcCode, data }) => {
        const error = new BridgeError(code, message, { rpcCode, ...(data === undefined ? {} : { data }) });
        for (const copy of [
          structuredClone(toWire(error)),
          JSON.parse(JSON.stringify(toWire(error))) as unknown,
        ]) {
          const back = fromWire(copy);
          expect(back).toBeInstanceOf(BridgeError);
          expect([back.code, back.message, back.rpcCode, back.data]).toEqual([code, message, rpcCode, data]);
          expect(errorMember(back)).toBe(errorMember(error));
        }
      }),
    );
  });

  it('is made of any thrown value', () => {
    expect(toWire('boom')).toEqual({ code: 'INTERNAL', message: 'Internal error', rpcCode: -32603 });
  });

  it.each([
    ['nothing', undefined],
    ['a string', 'x'],
    ['an unknown code', { code: 'NOPE', message: '', rpcCode: 1 }],
    ['a code from the prototype', { code: 'toString', message: '', rpcCode: 1 }],
    ['no message', { code: 'DENIED', rpcCode: 1 }],
    ['a fractional rpcCode', { code: 'DENIED', message: '', rpcCode: 1.5 }],
  ])('reads %s as INTERNAL', (_what, wire) => {
    expect(fromWire(wire).code).toBe('INTERNAL');
  });

  it('drops data that is no JSON: it would break the reply that it is spliced into', () => {
    expect(fromWire({ code: 'DENIED', message: 'm', rpcCode: 1, data: '{"a":' }).data).toBeUndefined();
  });
});
