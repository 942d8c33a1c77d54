/** One event of a server-sent event stream. */
export interface SseEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
  readonly retryMs?: number;
}

/** Parses a stream of server-sent events piece by piece. Comments come back as events of name `:`. */
export interface SseParser {
  push(text: string): SseEvent[];
}

/** Creates a parser at the start of a stream. Unlike a browser's, it also reports events without data. */
export function createSseParser(): SseParser {
  let rest = '';
  let fields: { id?: string; event?: string; data?: string; retryMs?: number } = {};
  return {
    push(text) {
      const events: SseEvent[] = [];
      const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (Object.keys(fields).length > 0) events.push({ data: '', ...fields });
          fields = {};
          continue;
        }
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === '') events.push({ event: ':', data: value });
        else if (name === 'data')
          fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`;
        else if (name === 'id') fields.id = value;
        else if (name === 'event') fields.event = value;
        else if (name === 'retry') fields.retryMs = Number(value);
      }
      return events;
    },
  };
}
