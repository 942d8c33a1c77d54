// The answers of the echo server. No SDK: load tests measure what is in front of it, not this.

const TOOL =
  '{"name":"echo","description":"Returns its text.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}';
const INFO = '{"name":"echo","version":"1.0.0"}';
const META = `"_meta":{"io.modelcontextprotocol/serverInfo":${INFO}}`;
const CACHE = '"ttlMs":60000,"cacheScope":"public"';
const MODERN_VERSION = '2026-07-28';
const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/** Reads `--era` and `--port` from the command line. */
export function readFlags(args) {
  const valueOf = (flag, fallback) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : fallback);
  const era = valueOf('--era', 'both');
  if (!['both', 'legacy', 'modern'].includes(era))
    throw new Error(`--era takes both, legacy or modern, not "${era}"`);
  return { legacy: era !== 'modern', modern: era !== 'legacy', port: Number(valueOf('--port', '0')) };
}

/** The reply to one message as a line of JSON, `''` when there is none to give. */
export function answer(message, eras) {
  const { id, method } = message;
  if (id === undefined || method === undefined) return '';
  const params = message.params ?? {};
  const version = params._meta?.[VERSION_KEY];
  if (version !== undefined && eras.modern) return answerModern(id, method, params, version);
  if (eras.legacy) return answerLegacy(id, method, params);
  const requested = version ?? params.protocolVersion ?? '2025-03-26';
  return failure(id, -32022, 'Unsupported protocol version', { supported: [MODERN_VERSION], requested });
}

function answerModern(id, method, params, version) {
  if (version !== MODERN_VERSION)
    return failure(id, -32022, 'Unsupported protocol version', {
      supported: [MODERN_VERSION],
      requested: version,
    });
  if (method === 'tools/call') {
    if (params.name !== 'echo') return failure(id, -32602, `Unknown tool ${params.name}`);
    return result(id, `{${echoed(params)},"resultType":"complete",${META}}`);
  }
  if (method === 'tools/list')
    return result(id, `{"tools":[${TOOL}],"resultType":"complete",${CACHE},${META}}`);
  if (method === 'server/discover')
    return result(
      id,
      `{"supportedVersions":["${MODERN_VERSION}"],"capabilities":{"tools":{}},"resultType":"complete",${CACHE},${META}}`,
    );
  return failure(id, -32601, 'Method not found');
}

function answerLegacy(id, method, params) {
  if (method === 'tools/call') {
    if (params.name !== 'echo') return failure(id, -32602, `Unknown tool ${params.name}`);
    return result(id, `{${echoed(params)}}`);
  }
  if (method === 'tools/list') return result(id, `{"tools":[${TOOL}]}`);
  if (method === 'ping') return result(id, '{}');
  if (method === 'initialize') {
    const version = LEGACY_VERSIONS.includes(params.protocolVersion)
      ? params.protocolVersion
      : LEGACY_VERSIONS[0];
    return result(id, `{"protocolVersion":"${version}","capabilities":{"tools":{}},"serverInfo":${INFO}}`);
  }
  return failure(id, -32601, 'Method not found');
}

function echoed(params) {
  const text = params.arguments?.text ?? '';
  // Not String(text): that throws for an object whose toString is no function, and would end the server.
  return `"content":[{"type":"text","text":${JSON.stringify(typeof text === 'string' ? text : JSON.stringify(text))}}]`;
}

function result(id, json) {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`;
}

function failure(id, code, message, data) {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, ...(data && { data }) } });
}
