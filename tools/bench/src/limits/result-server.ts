// An upstream MCP server whose tool `result` returns a text of as many bytes as it is asked for. The texts are made
// once and the answer is written as it is, so that what is in front of it is measured. 2026-07-28 only.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';
import { answerJson } from './answer-json.js';

const LINE = 'The quick brown fox says "hello" to 12 lazy dogs.\n';
const CACHE = '"resultType":"complete","ttlMs":60000,"cacheScope":"public"';
const TOOL =
  '{"name":"result","description":"Returns a text.","inputSchema":{"type":"object","properties":{"bytes":{"type":"integer"}},"required":["bytes"]}}';

const texts = new Map<number, string>();

function resultOf(method: string, bytes: number): string {
  if (method === 'server/discover')
    return `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},${CACHE}}`;
  if (method === 'tools/list') return `{"tools":[${TOOL}],${CACHE}}`;
  let text = texts.get(bytes);
  if (text === undefined) {
    // Its JSON has the wanted length, give or take an escape.
    const lines = Math.ceil(bytes / (JSON.stringify(LINE).length - 2));
    text =
      JSON.stringify(LINE.repeat(lines))
        .slice(0, bytes - 1)
        .replace(/\\+$/, '') + '"';
    texts.set(bytes, text);
  }
  return `{"content":[{"type":"text","text":${text}}],"resultType":"complete"}`;
}

const app = uWS.App().post('/*', (res) => {
  answerJson(res, (message, answer) => {
    // Whoever asks is one of ours.
    const { id, method, params } = message as {
      id?: unknown;
      method: string;
      params?: { arguments?: { bytes?: number } };
    };
    if (id === undefined) return void res.cork(() => res.writeStatus('202 Accepted').end());
    const result = resultOf(method, params?.arguments?.bytes ?? 0);
    answer(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`);
  });
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
