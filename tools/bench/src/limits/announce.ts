/** The line that `startLimit` waits for. */
export function announcePort(port: number): void {
  process.stdout.write(`{"port":${port}}\n`);
}
