import { describe, expect, it } from 'vitest';
import { closeStreamRetryMs } from './bridge-signal.js';

const signal = (params?: unknown) =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/bridge/close_stream', params }));

describe('the close_stream signal', () => {
  it('says when the client may come back', () => {
    expect(closeStreamRetryMs(signal({ retryMs: 250 }))).toBe(250);
    expect(closeStreamRetryMs(signal({ retryMs: 0 }))).toBe(0);
  });

  it('has a default for anything that is no time', () => {
    for (const params of [undefined, {}, { retryMs: '5' }, { retryMs: -1 }]) {
      expect(closeStreamRetryMs(signal(params))).toBe(1000);
    }
  });

  it('is not found in messages that only mention it', () => {
    const mention = {
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { data: 'notifications/bridge/close_stream' },
    };
    expect(closeStreamRetryMs(Buffer.from(JSON.stringify(mention)))).toBeUndefined();
    expect(closeStreamRetryMs(Buffer.concat([signal({}), Buffer.alloc(10_000, ' ')]))).toBeUndefined();
  });
});
