/** Results as tools give them, by what they are like; the same in every run. */
export function toolResults(): Readonly<Record<string, Record<string, unknown>>> {
  const user = (id: number): Record<string, unknown> => ({
    id,
    name: `User ${id}`,
    email: `user.${id}@example.com`,
    active: id % 3 !== 0,
    score: Math.round(Math.sin(id) * 10_000) / 100,
    roles: id % 2 === 0 ? ['reader'] : ['reader', 'editor'],
    address: { street: `${id} Main Street`, city: 'Zürich', zip: String(8000 + (id % 100)) },
    createdAt: new Date(1_700_000_000_000 + id * 60_000).toISOString(),
  });
  const structured = (structuredContent: Record<string, unknown>): Record<string, unknown> => ({
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
    structuredContent,
    isError: false,
  });
  const line = 'export const answer = (question: string): number => question.length; // "why"\n';
  return {
    'one line of text': { content: [{ type: 'text', text: 'hello' }] },
    'one record': structured(user(7)),
    '200 records': structured({ users: Array.from({ length: 200 }, (_, id) => user(id)), total: 200 }),
    'a source file of 64 KB': { content: [{ type: 'text', text: line.repeat(820) }] },
    numbers: structured({ series: Array.from({ length: 2_000 }, (_, at) => Math.cos(at) * 1000) }),
  };
}
