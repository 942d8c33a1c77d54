import { connectHttp } from './http-connection.js';
import { numberedRequest } from './numbered-request.js';

/** Clients that open sessions at once. */
const OPENED_AT_ONCE = 32;

export interface SessionOptions {
  readonly url: string;
  readonly count: number;
  readonly version: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Initializes sessions of the 2025 era and leaves them idle; their connections are closed at the end.
 *
 * @throws {Error} when one is refused
 */
export async function openSessions({ url, count, version, headers }: SessionOptions): Promise<void> {
  const address = new URL(url);
  let opened = 0;
  const client = async (): Promise<void> => {
    const http = await connectHttp(address);
    const params = {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 'bench', version: '1' },
    };
    const request = numberedRequest({ url: address, headers, method: 'initialize', params });
    for (; opened < count;) {
      opened += 1;
      const { status, body } = await http.exchange(request.next());
      if (status !== 200) throw new Error(`initialize at ${url} got status ${status}: ${body.toString()}`);
    }
    http.onClose = () => {};
    http.close();
  };
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, client));
}
