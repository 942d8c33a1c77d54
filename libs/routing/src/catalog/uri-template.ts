/**
 * One piece of a template: fixed text, or an expression that stands for a run of characters. An expression
 * with a `lead` may be missing altogether; when it is there, it begins with that character.
 */
type Piece =
  | { readonly literal: string }
  | { readonly accepts: (code: number) => boolean; readonly lead: number | undefined };

/** A resource template's URI pattern, ready to match. */
export interface UriTemplate {
  matches(uri: string): boolean;
}

/** Templates and URIs come from outside: work per match is at most their product. */
const MAX_TEMPLATE_LENGTH = 4096;
const MAX_URI_LENGTH = 16_384;

/**
 * Compiles an RFC 6570 template of levels 1 to 3 for the question "could this URI come from it?".
 * Values are not extracted, so the answer may be generous (`{?a,b}` accepts any query), never explosive:
 * the match is a sweep over reachable positions, not a backtracking regex.
 *
 * @returns `undefined` when the template is malformed or too long; it then owns nothing
 */
export function compileUriTemplate(template: string): UriTemplate | undefined {
  if (template.length > MAX_TEMPLATE_LENGTH) return undefined;
  const pieces: Piece[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const literal = template.slice(at, open < 0 ? template.length : open);
    if (literal.includes('}')) return undefined;
    if (literal !== '') pieces.push({ literal });
    if (open < 0) break;
    const close = template.indexOf('}', open);
    const expression = template.slice(open + 1, close < 0 ? open + 1 : close);
    if (close < 0 || expression === '' || expression.includes('{')) return undefined;
    pieces.push(expressionPiece(expression));
    at = close + 1;
  }
  return { matches: (uri) => uri.length <= MAX_URI_LENGTH && sweep(pieces, uri) };
}

const SLASH = 0x2f;
const QUESTION = 0x3f;
const HASH = 0x23;

const inSegment = (code: number): boolean => code !== SLASH && code !== QUESTION && code !== HASH;
const inPath = (code: number): boolean => code !== QUESTION && code !== HASH;
const inQuery = (code: number): boolean => code !== HASH;
const anything = (): boolean => true;

/** What each operator of RFC 6570 section 2.2 lets through. */
function expressionPiece(expression: string): Piece {
  const operator = expression[0] ?? '';
  switch (operator) {
    case '+':
      return { accepts: anything, lead: undefined };
    case '#':
      return { accepts: anything, lead: HASH };
    case '?':
    case '&':
      return { accepts: inQuery, lead: operator.charCodeAt(0) };
    case '/':
      return { accepts: inPath, lead: SLASH };
    case '.':
    case ';':
      return { accepts: inSegment, lead: operator.charCodeAt(0) };
    default:
      return { accepts: inSegment, lead: undefined };
  }
}

/** Which positions of the URI can be reached after each piece; the template matches when the end can. */
function sweep(pieces: readonly Piece[], uri: string): boolean {
  let reached = new Uint8Array(uri.length + 1);
  reached[0] = 1;
  for (const piece of pieces) {
    const next = new Uint8Array(uri.length + 1);
    let any = false;
    if ('literal' in piece) {
      for (let at = uri.indexOf(piece.literal); at >= 0; at = uri.indexOf(piece.literal, at + 1)) {
        if (reached[at] !== 1) continue;
        next[at + piece.literal.length] = 1;
        any = true;
      }
    } else {
      const { accepts, lead } = piece;
      let running = false;
      for (let at = 0; at <= uri.length; at += 1) {
        if (at > 0) {
          const code = uri.charCodeAt(at - 1);
          const begins = reached[at - 1] === 1 && (lead === undefined ? accepts(code) : code === lead);
          running = begins || (running && accepts(code));
        }
        if (running || (lead !== undefined && reached[at] === 1)) {
          next[at] = 1;
          any = true;
        }
      }
    }
    if (!any) return false;
    reached = next;
  }
  return reached[uri.length] === 1;
}
