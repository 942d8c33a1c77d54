import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { configJsonSchema, readConfig } from '@mcp-bridge/service';
import { expect, test } from 'vitest';
import { readText, workspaceFiles, root } from './workspace.js';

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
}

/** Dotted paths of every field: `servers.<name>.command`, `auth.keys[].id`. */
function fieldPaths(node: SchemaNode, prefix = ''): string[] {
  const join = (part: string): string => (prefix === '' ? part : `${prefix}.${part}`);
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const below = fieldPaths(child, join(key));
    return below.length > 0 ? below : [join(key)];
  });
  const { additionalProperties: values, anyOf = [], items } = node;
  // Free maps such as env and headers are one field.
  const isMap = typeof values === 'object' && (values.properties ?? values.anyOf) !== undefined;
  return [
    ...own,
    ...(isMap ? fieldPaths(values, join('<name>')) : []),
    ...anyOf.flatMap((branch) => fieldPaths(branch, prefix)),
    ...(items === undefined ? [] : fieldPaths(items, `${prefix}[]`)),
  ];
}

test('the configuration reference names every field, and no other', () => {
  // The schema is data of our own making; this is the part of JSON Schema that it uses.
  const expected = new Set(fieldPaths(configJsonSchema() as SchemaNode));
  expect(expected.size).toBeGreaterThan(40);
  const reference = readText('libs/service/README.md');
  const documented = [...reference.matchAll(/^\| `([^`/]+)`/gm)].map((match) => match[1] ?? '');
  // A row may stand for a whole section, such as a second `tls`.
  const within = (field: string, section: string): boolean =>
    field === section || field.startsWith(`${section}.`);
  const fields = [...expected];
  expect(fields.filter((field) => !documented.some((row) => within(field, row)))).toEqual([]);
  expect(documented.filter((row) => !fields.some((field) => within(field, row)))).toEqual([]);
});

test('the example configurations are valid', () => {
  const examples = workspaceFiles().filter((file) => /^(apps|deploy)\/.*\.ya?ml$/.test(file));
  const bridges = examples.filter((file) => path.basename(file).startsWith('bridge'));
  expect(bridges).toContain('apps/bridge/examples/bridge.yaml');
  for (const file of bridges) {
    const result = readConfig({ file: path.join(root, file), env: { PATH: process.env['PATH'] } });
    expect(result, file).toMatchObject({ ok: true });
  }
});

test('the YAML blocks of the root README are valid configurations', () => {
  const blocks = [...readText('README.md').matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');
  expect(blocks.length).toBeGreaterThan(0);
  const folder = mkdtempSync(path.join(tmpdir(), 'mcp-bridge-readme-'));
  try {
    for (const [index, block] of blocks.entries()) {
      const file = path.join(folder, `${index}.yaml`);
      writeFileSync(file, block);
      expect(readConfig({ file, env: { SEARCH_TOKEN: 'x' } }), block).toMatchObject({ ok: true });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every link between documents leads to a file', () => {
  const broken = workspaceFiles()
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...readText(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(path.join(root, path.dirname(file), target)))
        .map((target) => `${file}: ${target}`),
    );
  expect(broken).toEqual([]);
});

test('every metric in the metrics README is exposed under that name', async () => {
  const { createMetrics } = await import('@mcp-bridge/metrics');
  const exposed = await createMetrics({ processMetrics: false }).expose();
  const names = [...exposed.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '');
  const documented = [...readText('libs/metrics/README.md').matchAll(/^\| `(mcp_\w+)`/gm)].map(
    (match) => match[1] ?? '',
  );
  expect(documented.toSorted()).toEqual(names.toSorted());
});
