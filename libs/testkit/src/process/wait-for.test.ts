import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTempFolder, waitFor, waitForEvent } from '../index.js';

describe('waitFor', () => {
  it('returns the first truthy value', async () => {
    let looks = 0;
    expect(await waitFor(() => (looks++ < 3 ? 0 : 'there'))).toBe('there');
    expect(looks).toBe(4);
  });

  it('says what it waited for, and why the last look failed', async () => {
    const failing = waitFor(() => Promise.reject(new Error('refused')), { timeoutMs: 20, what: 'the port' });
    await expect(failing).rejects.toMatchObject({
      message: 'waited 20 ms for the port',
      cause: { message: 'refused' },
    });
  });

  it('waits for an event and gives up in time', async () => {
    const emitter = new EventEmitter();
    const event = waitForEvent(emitter, 'done');
    emitter.emit('done', 1, 2);
    expect(await event).toEqual([1, 2]);
    await expect(waitForEvent(emitter, 'never', { timeoutMs: 10 })).rejects.toThrow(
      '10 ms for the event never',
    );
  });
});

describe('createTempFolder', () => {
  it('goes away with its files', async () => {
    let path: string;
    {
      await using folder = await createTempFolder();
      path = await folder.write('a.txt', 'text');
      expect(existsSync(path)).toBe(true);
    }
    expect(existsSync(path)).toBe(false);
  });
});
