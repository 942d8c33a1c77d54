/** Text as the bridge reads its strings: mutations write characters as escapes. */
export function unescaped(text: string): string {
  if (!text.includes('\\u')) return text;
  return text.replace(/\\u([0-9a-f]{4})/gi, (_escape, code: string) =>
    String.fromCharCode(parseInt(code, 16)),
  );
}
