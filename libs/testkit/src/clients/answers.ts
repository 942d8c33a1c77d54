type FormContent = Record<string, string | number | boolean | string[]> | undefined;

/** What a test's user or model answers. Each handler that is given declares its capability. */
export interface ClientAnswers {
  /** The text that the model says. */
  readonly sampling?: (params: unknown) => string;
  /** Content of the form, at once or later; `undefined` declines. */
  readonly elicitation?: (params: unknown) => FormContent | Promise<FormContent>;
  /** URIs of the roots. */
  readonly roots?: () => readonly string[];
}

export interface ClientOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers?: ClientAnswers;
  /** Default `test-client`. */
  readonly name?: string;
}

/** The capabilities that follow from the answers at hand. */
export function capabilitiesOf(answers: ClientAnswers = {}): {
  sampling?: Record<string, never>;
  elicitation?: Record<string, never>;
  roots?: Record<string, never>;
} {
  return {
    ...(answers.sampling !== undefined && { sampling: {} }),
    ...(answers.elicitation !== undefined && { elicitation: {} }),
    ...(answers.roots !== undefined && { roots: {} }),
  };
}
