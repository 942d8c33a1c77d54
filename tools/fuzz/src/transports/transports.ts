import type { FuzzTransport } from '../run/fuzz-job.js';
import { fuzzHttp } from './http/fuzz-http.js';
import type { TransportName } from './transport-name.js';

export const TRANSPORTS: Readonly<Record<TransportName, FuzzTransport>> = {
  http: fuzzHttp,
};
