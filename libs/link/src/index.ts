export type {
  CallHandle,
  CallHandler,
  CallRequest,
  CallSink,
  InputMessage,
  Link,
  ParamsSpans,
  Principal,
} from './link.js';
