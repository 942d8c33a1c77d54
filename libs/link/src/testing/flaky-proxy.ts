import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';

/** A TCP proxy that can stop passing bytes (a half-open network) and cut its connections. */
export interface FlakyProxy extends AsyncDisposable {
  readonly port: number;
  /** `up`: only what the clients send. */
  stall(direction?: 'both' | 'up'): void;
  resume(): void;
  cut(): void;
}

export async function startFlakyProxy(targetPort: number): Promise<FlakyProxy> {
  const clients = new Set<Socket>();
  const targets = new Set<Socket>();
  let stalled: 'none' | 'both' | 'up' = 'none';
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    join(client, target, clients, () => stalled !== 'none');
    join(target, client, targets, () => stalled === 'both');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of [...clients, ...targets]) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    stall(direction = 'both') {
      stalled = direction;
      for (const socket of direction === 'both' ? [...clients, ...targets] : clients) socket.pause();
    },
    resume() {
      stalled = 'none';
      for (const socket of [...clients, ...targets]) socket.resume();
    },
    cut,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}

/** Passes on what `from` sends, for as long as it is not stalled. */
function join(from: Socket, to: Socket, open: Set<Socket>, isStalled: () => boolean): void {
  open.add(from);
  from.on('data', (bytes) => {
    if (!to.write(bytes) || isStalled()) from.pause();
  });
  to.on('drain', () => {
    if (!isStalled()) from.resume();
  });
  from.on('error', () => {});
  from.on('close', () => {
    open.delete(from);
    to.destroy();
  });
  if (isStalled()) from.pause();
}
