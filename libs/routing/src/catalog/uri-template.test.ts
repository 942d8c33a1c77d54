import { describe, expect, it } from 'vitest';
import { compileUriTemplate } from './uri-template.js';

describe('compileUriTemplate', () => {
  it.each([
    ['demo://text/{id}', 'demo://text/7', true],
    ['demo://text/{id}', 'demo://text/', false],
    ['demo://text/{id}', 'demo://text/7/8', false],
    ['demo://{a}/x/{b}', 'demo://1/x/2', true],
    ['demo://{a}/x/{b}', 'demo://1/y/2', false],
    ['{scheme}://{host}', 'http://example', true],
    ['file:///{+path}', 'file:///a/b/c.txt', true],
    ['file:///{path}', 'file:///a/b/c.txt', false],
    ['file://{/segments*}', 'file:///a/b', true],
    ['file://{/segments*}', 'file://', true],
    ['file://list{?q,page}', 'file://list?q=1&page=2', true],
    ['file://list{?q,page}', 'file://list', true],
    ['file://list{?q,page}', 'file://listing', false],
    ['file://list?a=1{&q}', 'file://list?a=1&q=2', true],
    ['x://a{.ext}', 'x://a.txt', true],
    ['x://a{#part}', 'x://a#top/of?it', true],
    ['x://a{;p}', 'x://a;p=1', true],
    ['plain://uri', 'plain://uri', true],
    ['plain://uri', 'plain://uri2', false],
    ['aa{x}aa', 'aaaaa', true],
    ['aa{x}aa', 'aaaa', false],
  ])('%s against %s is %s', (template, uri, expected) => {
    expect(compileUriTemplate(template)?.matches(uri)).toBe(expected);
  });

  it.each(['a{', 'a}', 'a{}', 'a{b{c}}', 'x'.repeat(5000)])(
    'refuses the malformed template %#',
    (template) => {
      expect(compileUriTemplate(template)).toBeUndefined();
    },
  );

  it('answers at once where a backtracking regex would not', () => {
    const template = compileUriTemplate(`x://${'{a}'.repeat(100)}!`);
    const started = performance.now();
    expect(template?.matches(`x://${'y'.repeat(10_000)}`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
