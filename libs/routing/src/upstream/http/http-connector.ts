import type { Connector } from '../connector.js';
export class HttpConnector implements Connector {
  constructor(_: unknown) {}
  probe(): never {
    throw new Error('x');
  }
  open(): never {
    throw new Error('x');
  }
  async close() {}
}
