/**
 * Matches a whole text against a pattern in which `*` stands for any run of characters (also none, also `/`)
 * and `?` for exactly one. Everything else is literal and case-sensitive.
 * Linear for one `*`, at worst text × pattern: a hostile name cannot make it explode as a regex could.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starAt = -1;
  let starText = 0;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === '*') {
      starAt = p;
      starText = t;
      p += 1;
    } else if (wanted === '?' || wanted === text[t]) {
      p += 1;
      t += 1;
    } else if (starAt >= 0) {
      // Let the last star swallow one character more and try again from there.
      starText += 1;
      t = starText;
      p = starAt + 1;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/** Allow and deny patterns of a view. No `allow` means everything; `deny` wins over `allow`. */
export interface Globs {
  readonly allow?: readonly string[] | undefined;
  readonly deny: readonly string[];
}

export function allowedBy(globs: Globs, text: string): boolean {
  const { allow, deny } = globs;
  if (allow !== undefined && !allow.some((pattern) => matchesGlob(pattern, text))) return false;
  return !deny.some((pattern) => matchesGlob(pattern, text));
}
