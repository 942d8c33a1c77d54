import { fromBinary, fromJson, toBinary, toJson, type JsonObject } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import { decode as decodeMsgpack, encode as encodeMsgpack } from '@msgpack/msgpack';
import { decode as decodeCbor, encode as encodeCbor } from 'cborg';

/** A way to write a result as bytes and read it again. */
export interface Codec {
  readonly name: string;
  encode(value: Record<string, unknown>): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** JSON first: the others are held against it. */
export const codecs: readonly Codec[] = [
  {
    name: 'JSON',
    encode: (value) => Buffer.from(JSON.stringify(value)),
    // A view, not a copy.
    decode: (bytes) =>
      JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as unknown,
  },
  { name: 'MessagePack', encode: (value) => encodeMsgpack(value), decode: (bytes) => decodeMsgpack(bytes) },
  {
    // A tool's result has no schema of its own, so this is protobuf's own form of JSON.
    name: 'Protobuf (Struct)',
    // The results are plain JSON values.
    encode: (value) => toBinary(StructSchema, fromJson(StructSchema, value as JsonObject)),
    decode: (bytes) => toJson(StructSchema, fromBinary(StructSchema, bytes)),
  },
  { name: 'CBOR', encode: (value) => encodeCbor(value), decode: (bytes) => decodeCbor(bytes) as unknown },
];
