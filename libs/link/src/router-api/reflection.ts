import type { Server, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { FILE_DESCRIPTORS } from '../gen/descriptors.js';

const SERVICES = ['mcp_bridge.router.v1.RouterService', 'grpc.health.v1.Health'];

/** Server reflection, v1 and v1alpha. */
export interface Reflection {
  addTo(server: Server): void;
  /** Ends the streams of those who ask, so that none of them holds the server. */
  drain(): void;
}

/** Tells clients what the router's API consists of, so that they need no `.proto`. The link is not listed. */
export function createReflection(): Reflection {
  const fileDescriptorProtos = FILE_DESCRIPTORS.map((file) => Buffer.from(file, 'base64'));
  // Of a package definition it reads the descriptors alone, whatever the entry is said to be.
  const entry = { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos } as const;
  const reflection = new ReflectionService({ all: entry }, { services: SERVICES });
  const open = new Set<Stream>();
  const kept = (implementation: UntypedServiceImplementation): UntypedServiceImplementation =>
    Object.fromEntries(
      Object.entries(implementation).map(([name, handle]) => [
        name,
        // The package has one method: a bidirectional stream, which its handler gets alone.
        (stream: Stream) => {
          open.add(stream);
          stream.once('close', () => open.delete(stream));
          (handle as (stream: Stream) => void)(stream);
        },
      ]),
    );
  return {
    addTo(server) {
      reflection.addToServer({
        addService: (definition, implementation) => server.addService(definition, kept(implementation)),
      });
    },
    drain() {
      for (const stream of open) stream.end();
    },
  };
}

interface Stream {
  once(event: 'close', listener: () => void): unknown;
  end(): unknown;
}
