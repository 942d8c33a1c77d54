/** Header values that were judged before; clients of one kind all send the same ones. */
const MAX_REMEMBERED = 256;

function remembering(judge: (value: string) => boolean): (value: string) => boolean {
  const known = new Map<string, boolean>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const verdict = judge(value);
    if (known.size < MAX_REMEMBERED) known.set(value, verdict);
    return verdict;
  };
}

/** Whether a `Content-Type` is JSON in UTF-8. */
export const isJsonContent = remembering((value) => {
  const [type, ...parameters] = value.toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name, text] = parameter.trim().split('=');
    return name !== 'charset' || text === 'utf-8' || text === '"utf-8"' || text === 'utf8';
  });
});

/**
 * Whether an `Accept` header takes both kinds of reply to a POST. The specification has clients name both; one
 * that sends none, or wildcards (curl), takes anything by RFC 9110.
 */
export const acceptsReplies = remembering(
  (value) => value === '' || (accepts(value, 'application/json') && accepts(value, 'text/event-stream')),
);

/** Whether an `Accept` header takes an event stream; one that is absent does not ask for one. */
export const acceptsEvents = remembering((value) => accepts(value, 'text/event-stream'));

function accepts(header: string, type: string): boolean {
  const family = `${type.split('/')[0] ?? ''}/*`;
  return header
    .toLowerCase()
    .split(',')
    .some((item) => {
      const [range, ...parameters] = item.split(';').map((part) => part.trim());
      const refused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
      return !refused && (range === type || range === family || range === '*/*');
    });
}
