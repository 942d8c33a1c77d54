import type { z } from 'zod';

/** One thing that is wrong with the configuration. */
export interface ConfigFault {
  /** Where it came from: `bridge.yaml:12:3`, or the name of an environment variable. */
  readonly source: string;
  /** Dotted path of the field, `''` for the document as a whole. */
  readonly path: string;
  /** What is wrong and what to do; never a configured value. */
  readonly reason: string;
}

/** A fault whose source is not looked up yet. */
export interface PathFault {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

/** `bridge.yaml:12:3: gateway.port: expected number`. */
export function faultLine(fault: ConfigFault): string {
  return [fault.source, fault.path, fault.reason].filter((part) => part !== '').join(': ');
}

/** A path as people write it: `servers.files.args[0]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

type Issue = z.core.$ZodIssue;

/** Turns the issues of one parse into readable faults: one per field, unions reduced to what was meant. */
export function issueFaults(issues: readonly Issue[], base: readonly PropertyKey[] = []): PathFault[] {
  return issues.flatMap((issue) => oneIssue(issue, base));
}

function oneIssue(issue: Issue, base: readonly PropertyKey[]): PathFault[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], reason: 'there is no such field' }));
    case 'invalid_key':
      return issue.issues.map((inner) => ({ path, reason: `bad name: ${inner.message}` }));
    case 'invalid_union':
      return issueFaults(likeliestBranch(issue.errors), path);
    case 'invalid_type':
      return [{ path, reason: issue.message.replace('Invalid input: ', '') }];
    default:
      return [{ path, reason: issue.message }];
  }
}

/** The branch that fits the value's own type, so that `-5` is "too small" and not "expected string". */
function likeliestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const fitting = branches.find((issues) =>
    issues.every((issue) => issue.code !== 'invalid_type' || issue.path.length > 0),
  );
  return fitting ?? branches.at(-1) ?? [];
}
