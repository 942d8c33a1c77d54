import { createKeyTable, type KeyEntry, type KeyTable } from './key-table.js';

/**
 * Which values a scan records, and where: each name is the index of a (start, end) pair in the scan's slots.
 */
export const SLOT = {
  jsonrpc: 0,
  id: 1,
  method: 2,
  params: 3,
  result: 4,
  error: 5,
  name: 6,
  uri: 7,
  taskId: 8,
  meta: 9,
  arguments: 10,
  inputResponses: 11,
  requestState: 12,
  cursor: 13,
  requestId: 14,
  paramsProgressToken: 15,
  level: 16,
  ref: 17,
  refName: 18,
  refUri: 19,
  progressToken: 20,
  protocolVersion: 21,
  clientCapabilities: 22,
  clientInfo: 23,
  logLevel: 24,
  subscriptionId: 25,
  traceparent: 26,
  resultType: 27,
  resultMeta: 28,
  resultServerInfo: 29,
  resultSubscriptionId: 30,
  ttlMs: 31,
  cacheScope: 32,
  nextCursor: 33,
  inputRequests: 34,
  resultRequestState: 35,
  task: 36,
} as const;

export const SLOT_COUNT = Object.keys(SLOT).length;

function key(text: string, slot: number, nested?: KeyTable): KeyEntry {
  return { text, slot, nested };
}

const META = createKeyTable(
  'params._meta',
  [
    key('progressToken', SLOT.progressToken),
    key('io.modelcontextprotocol/protocolVersion', SLOT.protocolVersion),
    key('io.modelcontextprotocol/clientCapabilities', SLOT.clientCapabilities),
    key('io.modelcontextprotocol/clientInfo', SLOT.clientInfo),
    key('io.modelcontextprotocol/logLevel', SLOT.logLevel),
    key('io.modelcontextprotocol/subscriptionId', SLOT.subscriptionId),
    key('traceparent', SLOT.traceparent),
  ],
  { refuseCaseVariants: true },
);

const REF = createKeyTable('params.ref', [key('name', SLOT.refName), key('uri', SLOT.refUri)], {
  refuseCaseVariants: true,
});

const PARAMS = createKeyTable(
  'params',
  [
    key('name', SLOT.name),
    key('uri', SLOT.uri),
    key('taskId', SLOT.taskId),
    key('_meta', SLOT.meta, META),
    key('arguments', SLOT.arguments),
    key('inputResponses', SLOT.inputResponses),
    key('requestState', SLOT.requestState),
    key('cursor', SLOT.cursor),
    key('requestId', SLOT.requestId),
    key('progressToken', SLOT.paramsProgressToken),
    key('level', SLOT.level),
    key('task', SLOT.task),
    key('ref', SLOT.ref, REF),
  ],
  { refuseCaseVariants: true },
);

const RESULT_META = createKeyTable('result._meta', [
  key('io.modelcontextprotocol/serverInfo', SLOT.resultServerInfo),
  key('io.modelcontextprotocol/subscriptionId', SLOT.resultSubscriptionId),
]);

const RESULT = createKeyTable('result', [
  key('resultType', SLOT.resultType),
  key('_meta', SLOT.resultMeta, RESULT_META),
  key('ttlMs', SLOT.ttlMs),
  key('cacheScope', SLOT.cacheScope),
  key('nextCursor', SLOT.nextCursor),
  key('inputRequests', SLOT.inputRequests),
  key('requestState', SLOT.resultRequestState),
]);

/** The top level of a JSON-RPC message. */
export const ENVELOPE = createKeyTable(
  'the message',
  [
    key('jsonrpc', SLOT.jsonrpc),
    key('id', SLOT.id),
    key('method', SLOT.method),
    key('params', SLOT.params, PARAMS),
    key('result', SLOT.result, RESULT),
    key('error', SLOT.error),
  ],
  { strict: true, refuseCaseVariants: true },
);
