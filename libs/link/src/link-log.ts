/** The part of a pino logger that the link uses. */
export interface LinkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: LinkLog = {
  info() {},
  warn() {},
  error() {},
};
