import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';

/** All that a tool such as grpcurl knows beforehand, in both versions: how to ask. */
const REFLECTION = `
  syntax = "proto3";
  message Request {
    oneof message_request {
      string file_containing_symbol = 4;
      string list_services = 7;
    }
  }
  message Response {
    message Files { repeated bytes file_descriptor_proto = 1; }
    message Services { message Service { string name = 1; } repeated Service service = 1; }
    message Failure { int32 error_code = 1; string error_message = 2; }
    Files file_descriptor_response = 4;
    Services list_services_response = 6;
    Failure error_response = 7;
  }`;
const reflection = protobuf.parse(REFLECTION).root;

interface Answer {
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: Uint8Array[] };
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly errorResponse?: { readonly errorCode: number; readonly errorMessage: string };
}

type Reply = Record<string, unknown>;

/** A client that knows of a server what the server says of itself. */
export class DynamicGrpcClient {
  readonly #client: Client;
  readonly #metadata = new Metadata();
  readonly #path: string;

  constructor(address: string, token: string, version: 'v1' | 'v1alpha') {
    this.#client = new Client(address, credentials.createInsecure());
    this.#metadata.set('authorization', `Bearer ${token}`);
    this.#path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  }

  async services(): Promise<string[]> {
    const { listServicesResponse } = await this.#ask({ listServices: '*' });
    return (listServicesResponse?.service ?? []).map(({ name }) => name);
  }

  /** The types of the files that define the symbol and of what they import. */
  async describe(symbol: string): Promise<protobuf.Root> {
    const { fileDescriptorResponse, errorResponse } = await this.#ask({ fileContainingSymbol: symbol });
    if (fileDescriptorResponse === undefined) throw new Error(errorResponse?.errorMessage ?? 'no answer');
    const { FileDescriptorSet, FileDescriptorProto } = descriptor;
    const file = fileDescriptorResponse.fileDescriptorProto.map((bytes) => FileDescriptorProto.decode(bytes));
    // `ext/descriptor` adds this to Root when it is imported.
    const { fromDescriptor } = protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root };
    return fromDescriptor(FileDescriptorSet.create({ file }));
  }

  /** Calls a method by name; request and replies are plain objects with the names of the `.proto`. */
  async *replies(service: string, method: string, request: object): AsyncGenerator<Reply> {
    const types = await this.describe(service);
    const { requestType, responseType } = types.lookupService(service).methods[method]!;
    const Request = types.lookupType(requestType);
    const Response = types.lookupType(responseType);
    // To a client, a method with one reply looks like one whose stream ends after it.
    yield* this.#client.makeServerStreamRequest(
      `/${service}/${method}`,
      (value: object) => Buffer.from(Request.encode(Request.fromObject(value)).finish()),
      (bytes: Buffer) => Response.toObject(Response.decode(bytes), { enums: String, defaults: true }),
      request,
      this.#metadata,
    );
  }

  /** The first reply. */
  async call(service: string, method: string, request: object): Promise<Reply> {
    for await (const reply of this.replies(service, method, request)) return reply;
    throw new Error(`${method} ended without a reply`);
  }

  /** What `grpc-status-details-bin` of a failed call holds, by what the server says of those messages. */
  async details(error: ServiceError): Promise<Record<string, unknown>[]> {
    const bytes = error.metadata.get('grpc-status-details-bin')[0] as Buffer;
    const Status = (await this.describe('google.rpc.Status')).lookupType('google.rpc.Status');
    const { details } = Status.decode(bytes) as unknown as {
      readonly details: readonly { readonly type_url: string; readonly value: Uint8Array }[];
    };
    return Promise.all(
      details.map(async ({ type_url: url, value }) => {
        const name = url.replace('type.googleapis.com/', '');
        const Detail = (await this.describe(name)).lookupType(name);
        return { '@type': name, ...Detail.toObject(Detail.decode(value), { longs: Number }) };
      }),
    );
  }

  close(): void {
    this.#client.close();
  }

  #ask(request: object): Promise<Answer> {
    const Request = reflection.lookupType('Request');
    const Response = reflection.lookupType('Response');
    const stream = this.#client.makeBidiStreamRequest(
      this.#path,
      (value: object) => Buffer.from(Request.encode(Request.fromObject(value)).finish()),
      (bytes: Buffer) => Response.toObject(Response.decode(bytes)) as Answer,
      this.#metadata,
    );
    return new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', resolve);
      stream.write(request);
      stream.end();
    });
  }
}
