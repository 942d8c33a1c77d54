/** The ways into the bridge that can be fuzzed. */
export const TRANSPORT_NAMES = ['http', 'websocket', 'tcp', 'tcp-framed', 'stdio', 'sse'] as const;

export type TransportName = (typeof TRANSPORT_NAMES)[number];

export function isTransportName(name: string): name is TransportName {
  // The wider type of the list's items lets any string be looked up.
  return (TRANSPORT_NAMES as readonly string[]).includes(name);
}
