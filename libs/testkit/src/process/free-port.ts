import { createServer, type AddressInfo } from 'node:net';

/**
 * A loopback TCP port that was free a moment ago. Prefer port 0 wherever the service can report what it got:
 * between this call and its use another process may take the port.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // A TCP listener has an address object.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
