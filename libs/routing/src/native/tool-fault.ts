/** Why a native tool is not served; the others are. */
export interface ToolFault {
  /** The file or pattern as configured. */
  readonly source: string;
  readonly code: ToolFaultCode;
  /** What is wrong, and what to do. */
  readonly reason: string;
}

export type ToolFaultCode =
  /** The path leads nowhere. */
  | 'MISSING'
  /** The module threw, or took too long to load. */
  | 'LOAD_FAILED'
  /** The default export is no tool, or a member of it is wrong. */
  | 'BAD_DEFINITION'
  | 'BAD_NAME'
  | 'DUPLICATE_NAME'
  /** A schema does not compile. */
  | 'BAD_SCHEMA';

/** Thrown while one tool is loaded; becomes that tool's fault. */
export class ToolFaultError extends Error {
  readonly code: ToolFaultCode;

  constructor(code: ToolFaultCode, reason: string) {
    super(reason);
    this.code = code;
  }
}
