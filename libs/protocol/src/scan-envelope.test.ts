import { describe, expect, it } from 'vitest';
import { ABSENT, type Envelope, type Span } from './envelope.js';
import { checkJson, isBatch, readableId, scanEnvelope, scanMessages } from './scan-envelope.js';
import { refusal } from './testing/json-bytes.js';

const scan = (text: string) => scanEnvelope(Buffer.from(text));
const text = (envelope: Envelope, span: Span) => envelope.bytes.toString('utf8', span.start, span.end);
const value = (envelope: Envelope, span: Span): unknown =>
  span === ABSENT ? undefined : JSON.parse(text(envelope, span));

describe('a request', () => {
  const call = scan(
    `  {"jsonrpc":"2.0","id":"a-1","method":"tools/call","params":{"name":"files__read","arguments":{"path":"/é"},
      "task":{"ttl":5},"inputResponses":{"k":1},"requestState":"opaque","_meta":{"progressToken":7,"vendor/x":[1],
      "traceparent":"00-1-2-01","io.modelcontextprotocol/protocolVersion":"2026-07-28",
      "io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/clientInfo":{"name":"c"},
      "io.modelcontextprotocol/logLevel":"debug"}}} \n`,
  );

  it('gives what routing and policy read, decoded or as spans', () => {
    expect(call.kind).toBe('request');
    expect(call.method).toBe('tools/call');
    expect(call.name).toBe('files__read');
    expect(call.protocolVersion).toBe('2026-07-28');
    expect(call.logLevel).toBe('debug');
    expect(call.traceparent).toBe('00-1-2-01');
    expect(text(call, call.id)).toBe('"a-1"');
    expect(text(call, call.nameSpan)).toBe('"files__read"');
    expect(text(call, call.arguments)).toBe('{"path":"/é"}');
    expect(value(call, call.clientCapabilities)).toEqual({ elicitation: {} });
    expect(value(call, call.clientInfo)).toEqual({ name: 'c' });
    expect(text(call, call.progressToken)).toBe('7');
    expect(value(call, call.inputResponses)).toEqual({ k: 1 });
    expect(text(call, call.requestState)).toBe('"opaque"');
    expect(value(call, call.task)).toEqual({ ttl: 5 });
    expect(value(call, call.meta)).toHaveProperty('vendor/x', [1]);
  });

  it('spans the whole message without the blanks around it', () => {
    expect(text(call, call.message)).toMatch(/^\{.*\}$/s);
    expect(call.message.start).toBe(2);
  });

  it.each([
    ['tools/call', '{"name":"n","uri":"u","taskId":"t"}', 'n'],
    ['prompts/get', '{"name":"n"}', 'n'],
    ['resources/read', '{"name":"n","uri":"u"}', 'u'],
    ['resources/subscribe', '{"uri":"u"}', 'u'],
    ['resources/unsubscribe', '{"uri":"u"}', 'u'],
    ['tasks/get', '{"taskId":"t"}', 't'],
    ['tasks/result', '{"taskId":"t"}', 't'],
    ['tasks/update', '{"taskId":"t"}', 't'],
    ['tasks/cancel', '{"taskId":"t"}', 't'],
    ['notifications/tasks/status', '{"taskId":"t"}', 't'],
    ['notifications/resources/updated', '{"uri":"u"}', 'u'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"n"},"argument":{"name":"x"}}', 'n'],
    ['completion/complete', '{"ref":{"type":"ref/resource","uri":"u"}}', 'u'],
    ['tools/list', '{"name":"n"}', undefined],
    ['tasks/list', '{"taskId":"t"}', undefined],
    ['tools/call', '{}', undefined],
  ])('takes the target of %s from %s', (method, params, name) => {
    const envelope = scan(`{"params":${params},"method":"${method}","id":1,"jsonrpc":"2.0"}`);
    expect(envelope.name).toBe(name);
    expect(value(envelope, envelope.nameSpan)).toBe(name);
  });

  it('tells the empty cursor from none', () => {
    expect(scan('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}').cursor).toBe('');
    expect(scan('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}').cursor).toBeUndefined();
  });

  it.each(['0', '-7', '9007199254740993', '123456789012345678901234567890', '""', '"\\u0031"', '"é"'])(
    'keeps the id %s as it was written',
    (id) => {
      const envelope = scan(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
      expect(text(envelope, envelope.id)).toBe(id);
    },
  );
});

describe('notifications', () => {
  it('have no id', () => {
    const envelope = scan('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    expect([envelope.kind, envelope.id, envelope.params]).toEqual(['notification', ABSENT, ABSENT]);
  });

  it('show the progress token, the cancelled request, the level and the subscription', () => {
    const progress = scan(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}',
    );
    expect(text(progress, progress.progressToken)).toBe('"p"');
    const cancelled = scan(
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":12,"reason":"x"}}',
    );
    expect(text(cancelled, cancelled.requestId)).toBe('12');
    expect(
      scan('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}').level,
    ).toBe('info');
    const event = scan(
      '{"jsonrpc":"2.0","method":"notifications/x","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"s"}}}',
    );
    expect(text(event, event.subscriptionId)).toBe('"s"');
  });
});

describe('replies', () => {
  it('show the keys of the result that routing needs', () => {
    const reply = scan(
      `{"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}},
        "requestState":"s","ttlMs":5,"cacheScope":"private","nextCursor":"n","_meta":{"a":1,
        "io.modelcontextprotocol/serverInfo":{"name":"x"},"io.modelcontextprotocol/subscriptionId":9}}}`,
    );
    expect(reply.kind).toBe('result');
    expect(reply.resultType).toBe('input_required');
    expect(text(reply, reply.resultTypeSpan)).toBe('"input_required"');
    expect(value(reply, reply.inputRequests)).toEqual({ a: { method: 'roots/list' } });
    expect(text(reply, reply.resultRequestState)).toBe('"s"');
    expect([reply.ttlMs, reply.cacheScope, reply.nextCursor].map((span) => text(reply, span))).toEqual([
      '5',
      '"private"',
      '"n"',
    ]);
    expect(value(reply, reply.resultServerInfo)).toEqual({ name: 'x' });
    expect(text(reply, reply.subscriptionId)).toBe('9');
    expect(value(reply, reply.resultMeta)).toHaveProperty('a', 1);
    expect([reply.requestState, reply.meta, reply.method]).toEqual([ABSENT, ABSENT, '']);
  });

  it('have an id, except errors about a message whose id nobody could read', () => {
    expect(refusal(() => scan('{"jsonrpc":"2.0","result":{}}'))).toBe('INVALID_REQUEST');
    expect(refusal(() => scan('{"jsonrpc":"2.0","id":null,"result":{}}'))).toBe('INVALID_REQUEST');
    for (const id of ['', '"id":null,']) {
      const envelope = scan(`{"jsonrpc":"2.0",${id}"error":{"code":-32700,"message":"x"}}`);
      expect([envelope.kind, envelope.id]).toEqual(['error', ABSENT]);
    }
  });

  it('do not read keys of params in a result, nor keys of a result in params', () => {
    const reply = scan('{"jsonrpc":"2.0","id":1,"result":{"name":"a","uri":"b","Name":"c"}}');
    expect([reply.name, reply.nameSpan]).toEqual([undefined, ABSENT]);
  });
});

describe('what is refused', () => {
  it.each([
    ['a string', '"x"'],
    ['an array', '[]'],
    ['an empty object', '{}'],
    ['no jsonrpc', '{"id":1,"method":"m"}'],
    ['jsonrpc 1.0', '{"jsonrpc":"1.0","id":1,"method":"m"}'],
    ['jsonrpc as a number', '{"jsonrpc":2.0,"id":1,"method":"m"}'],
    ['no method', '{"jsonrpc":"2.0","id":1}'],
    ['an empty method', '{"jsonrpc":"2.0","id":1,"method":""}'],
    ['a method that is no string', '{"jsonrpc":"2.0","id":1,"method":5}'],
    ['id null', '{"jsonrpc":"2.0","id":null,"method":"m"}'],
    ['id true', '{"jsonrpc":"2.0","id":true,"method":"m"}'],
    ['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"m"}'],
    ['an id with an exponent', '{"jsonrpc":"2.0","id":1e3,"method":"m"}'],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"m"}'],
    ['an id that is an array', '{"jsonrpc":"2.0","id":[1],"method":"m"}'],
    ['an endless id', `{"jsonrpc":"2.0","id":"${'x'.repeat(2000)}","method":"m"}`],
    ['params as an array', '{"jsonrpc":"2.0","id":1,"method":"m","params":[]}'],
    ['params null', '{"jsonrpc":"2.0","id":1,"method":"m","params":null}'],
    ['a result that is no object', '{"jsonrpc":"2.0","id":1,"result":null}'],
    ['an error that is no object', '{"jsonrpc":"2.0","id":1,"error":"x"}'],
    ['result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}'],
    ['method and result', '{"jsonrpc":"2.0","id":1,"method":"m","result":{}}'],
    ['method and error', '{"jsonrpc":"2.0","id":1,"method":"m","error":{}}'],
    ['a second id', '{"jsonrpc":"2.0","id":1,"id":1,"method":"m"}'],
    ['a second method, escaped', '{"jsonrpc":"2.0","id":1,"method":"a","\\u006dethod":"b"}'],
    ['a second params, escaped first', '{"jsonrpc":"2.0","id":1,"method":"a","p\\u0061rams":{},"params":{}}'],
    ['a method in another case', '{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}'],
    ['an id in another case, alone', '{"jsonrpc":"2.0","ID":1,"method":"a"}'],
    ['params with a long s', '{"jsonrpc":"2.0","id":1,"method":"a","param\u017f":{}}'],
    ['params with an escaped long s', '{"jsonrpc":"2.0","id":1,"method":"a","param\\u017f":{}}'],
    ['__proto__', '{"jsonrpc":"2.0","id":1,"method":"m","__proto__":{}}'],
    ['__proto__, escaped', '{"jsonrpc":"2.0","id":1,"method":"m","__proto\\u005f_":{}}'],
    ['constructor', '{"jsonrpc":"2.0","id":1,"method":"m","constructor":1}'],
    ['prototype', '{"jsonrpc":"2.0","id":1,"method":"m","prototype":1}'],
    ['a second unknown key', '{"jsonrpc":"2.0","id":1,"method":"m","x":1,"\\u0078":1}'],
    [
      'a second params.name',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
    ],
    [
      'a second params.name, escaped',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\\u0061me":"b"}}',
    ],
    ['params.Name', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}'],
    [
      'params.NAME, escaped',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","\\u004eAME":"b"}}',
    ],
    [
      'params.tas\u212aId (Kelvin sign)',
      '{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"tas\u212aId":"a"}}',
    ],
    [
      'a second ref.name',
      '{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"name":"a","name":"b"}}}',
    ],
    [
      'a second version in _meta',
      metaWith('"io.modelcontextprotocol/protocolVersion":"a","io.modelcontextprotocol/protocolVersion":"b"'),
    ],
    ['a version in another case', metaWith('"io.modelcontextprotocol/ProtocolVersion":"a"')],
    ['a second _meta in a result', '{"jsonrpc":"2.0","id":1,"result":{"_meta":{},"_meta":{}}}'],
    [
      'a second resultType, escaped',
      '{"jsonrpc":"2.0","id":1,"result":{"resultType":"a","result\\u0054ype":"b"}}',
    ],
    ...['uri', 'taskId', '_meta', 'arguments', 'inputResponses', 'requestState', 'cursor', 'requestId'].map(
      (key) => [
        `a second params.${key}`,
        `{"jsonrpc":"2.0","id":1,"method":"m","params":{"${key}":{},"${key}":{}}}`,
      ],
    ),
  ])('%s', (_what, message) => {
    expect(refusal(() => scan(message))).toBe('INVALID_REQUEST');
  });

  it.each([
    ['a name that is no string', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}'],
    ['a uri that is no string', '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":null}}'],
    ['a cursor that is no string', '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":1}}'],
    ['_meta that is no object', '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":[]}}'],
    ['a progress token that is an object', metaWith('"progressToken":{}')],
    ['a version that is no string', metaWith('"io.modelcontextprotocol/protocolVersion":1')],
    ['capabilities that are no object', metaWith('"io.modelcontextprotocol/clientCapabilities":true')],
    ['client info that is no object', metaWith('"io.modelcontextprotocol/clientInfo":"x"')],
    [
      'a ref with name and uri',
      '{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"name":"a","uri":"b"}}}',
    ],
    ['a resultType that is no string', '{"jsonrpc":"2.0","id":1,"result":{"resultType":1}}'],
  ])('%s, as invalid params', (_what, message) => {
    expect(refusal(() => scan(message))).toBe('INVALID_PARAMS');
  });

  it('more levels than allowed, the message being the first', () => {
    const nested = (levels: number) =>
      Buffer.from(`{"jsonrpc":"2.0","method":"m","params":{"v":${'['.repeat(levels)}${']'.repeat(levels)}}}`);
    expect(scanEnvelope(nested(126)).kind).toBe('notification');
    expect(refusal(() => scanEnvelope(nested(127)))).toBe('INVALID_REQUEST');
    expect(scanEnvelope(nested(900), { maxDepth: 1_000_000 }).kind).toBe('notification');
    expect(refusal(() => scanEnvelope(nested(100_000), { maxDepth: 1_000_000 }))).toBe('INVALID_REQUEST');
    expect(refusal(() => scanEnvelope(nested(1), { maxDepth: 2 }))).toBe('INVALID_REQUEST');
  });

  it('more bytes than allowed, before reading them', () => {
    expect(refusal(() => scanEnvelope(Buffer.alloc(11, 0xff), { maxBytes: 10 }))).toBe('PAYLOAD_TOO_LARGE');
    expect(refusal(() => scanEnvelope(Buffer.alloc(4 * 1024 * 1024 + 1)))).toBe('PAYLOAD_TOO_LARGE');
  });

  it('thousands of keys where every key is looked at, but not in arguments', () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `"k${i}":0`).join(',');
    expect(refusal(() => scan(`{"jsonrpc":"2.0","method":"m",${keys}}`))).toBe('INVALID_REQUEST');
    expect(refusal(() => scan(`{"jsonrpc":"2.0","method":"m","params":{${keys}}}`))).toBe('INVALID_REQUEST');
    expect(scan(`{"jsonrpc":"2.0","method":"m","params":{"arguments":{${keys}}}}`).kind).toBe('notification');
  });
});

describe('what is let through', () => {
  it.each([
    ['unknown keys in the envelope', '{"jsonrpc":"2.0","id":1,"method":"m","trace":{"a":[1]},"x":2}'],
    [
      'repeated keys that nobody here reads',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":1,"x":2,"arguments":{"a":1,"a":2}}}',
    ],
    [
      '__proto__ inside arguments',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"__proto__":{}}}}',
    ],
    [
      'other cases inside arguments',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"Name":1,"name":2}}}',
    ],
    ['an escaped key that comes once', '{"jsonrpc":"2.0","id":1,"\\u006dethod":"m"}'],
    ['an escaped version', '{"jsonrpc":"2\\u002e0","id":1,"method":"m"}'],
  ])('%s', (_what, message) => {
    expect(scan(message).method).toBe('m');
  });
});

describe('batches', () => {
  it('are told by their first byte', () => {
    expect(isBatch(Buffer.from(' \n[{}]'))).toBe(true);
    expect(isBatch(Buffer.from('{"a":[]}'))).toBe(false);
    expect(isBatch(Buffer.alloc(0))).toBe(false);
  });

  it('yield one envelope per message over the same bytes', () => {
    const bytes = Buffer.from('[ {"jsonrpc":"2.0","id":1,"method":"a"} , {"jsonrpc":"2.0","method":"b"}]');
    const [first, second] = scanMessages(bytes);
    expect([first?.method, first?.kind, second?.method, second?.kind]).toEqual([
      'a',
      'request',
      'b',
      'notification',
    ]);
    expect(second!.bytes.toString('utf8', second!.message.start, second!.message.end)).toBe(
      '{"jsonrpc":"2.0","method":"b"}',
    );
    expect(second!.id).toBe(ABSENT);
  });

  it.each([
    ['[]', 'INVALID_REQUEST'],
    ['[1]', 'INVALID_REQUEST'],
    ['[[]]', 'INVALID_REQUEST'],
    ['{}', 'INVALID_REQUEST'],
    ['[{"jsonrpc":"2.0","method":"a"},]', 'PARSE_ERROR'],
    ['[{"jsonrpc":"2.0","method":"a"}]x', 'PARSE_ERROR'],
    ['[{"jsonrpc":"2.0","method":"a"}', 'PARSE_ERROR'],
    ['[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0"}]', 'INVALID_REQUEST'],
  ])('like %s are refused', (batch, code) => {
    expect(refusal(() => scanMessages(Buffer.from(batch)))).toBe(code);
  });

  it('are bounded', () => {
    const batch = (n: number) =>
      Buffer.from(`[${new Array(n).fill('{"jsonrpc":"2.0","method":"a"}').join(',')}]`);
    expect(scanMessages(batch(3), { maxBatch: 3 })).toHaveLength(3);
    expect(refusal(() => scanMessages(batch(4), { maxBatch: 3 }))).toBe('INVALID_REQUEST');
  });
});

describe('readableId', () => {
  const id = (message: string, sort?: 'request' | 'reply') => readableId(Buffer.from(message), sort);

  it('finds the id of a refused request, whichever side of the fault it stands on', () => {
    expect(id('{"jsonrpc":"1.0","id":7,"method":"m"}')).toBe('7');
    expect(id('{"jsonrpc":"2.0","method":5,"id":"é"}')).toBe('"é"');
    expect(id('{"jsonrpc":"2.0","id":"a","method":"m","params":{"name":"x","name":"y"}}')).toBe('"a"');
    expect(id('{"id":3,"method":"m",}')).toBe('3');
  });

  it('does not make one up', () => {
    expect(id('{"method":"m",}')).toBeUndefined();
    expect(id('{"id":12')).toBeUndefined();
    expect(id('{"id":null,"method":"m"}')).toBeUndefined();
    expect(id('{"id":1.5,"method":"m"}')).toBeUndefined();
    expect(id('[{"id":1}]')).toBeUndefined();
    expect(id('nonsense')).toBeUndefined();
    expect(readableId(Buffer.from('{"id":1,"x":"\xff"}', 'latin1'))).toBeUndefined();
  });

  it('tells requests from replies: an error about a reply must not answer a request of the same id', () => {
    expect(id('{"jsonrpc":"2.0","id":7,"result":5}')).toBeUndefined();
    expect(id('{"jsonrpc":"2.0","id":7,"result":5}', 'reply')).toBe('7');
    expect(id('{"jsonrpc":"2.0","id":7,"method":""}', 'reply')).toBeUndefined();
  });
});

function metaWith(members: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{${members}}}}`;
}

describe('a value for a message of our own', () => {
  const check = (json: string | Buffer, limits = {}) => checkJson(Buffer.from(json), limits);

  it.each(['{}', ' [1,"a",null] ', '-1.5e3', '"é"'])('may be any JSON: %s', (json) => {
    expect(() => check(json)).not.toThrow();
  });

  it.each(['', ' ', '{},"b":1', '{"a":1', '01', "'a'"])('must be one JSON value: %s', (json) => {
    expect(refusal(() => check(json))).toBe('PARSE_ERROR');
  });

  it('must be UTF-8, and within the limits', () => {
    expect(refusal(() => check(Buffer.from([0x22, 0xff, 0x22])))).toBe('PARSE_ERROR');
    expect(refusal(() => check('[[1]]', { maxDepth: 1 }))).toBe('INVALID_REQUEST');
    expect(refusal(() => check('[[1]]', { maxBytes: 4 }))).toBe('PAYLOAD_TOO_LARGE');
    expect(() => check('[[1]]', { maxDepth: 2, maxBytes: 5 })).not.toThrow();
  });
});
