import type { LinkLog } from '../link-log.js';

export interface RecordedLog extends LinkLog {
  readonly lines: { readonly level: string; readonly fields: object; readonly message: string }[];
}

export function createRecordedLog(): RecordedLog {
  const lines: RecordedLog['lines'] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}
