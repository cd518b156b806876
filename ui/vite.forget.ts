import type { Plugin } from 'vite';

/**
 * Svelte notes what each state was before a flush in one map, and clears that map after each. WebKit's engine ties a map's table to the
 * table that replaces it, so that once a table has grown old, the contents of all that follow it are kept until the whole heap is
 * collected: at ten updates a second, tens of MB. A new map after each flush has no such chain.
 */
export function forgetOldValues(): Plugin {
  const edits: [file: string, from: string, to: string, times: number][] = [
    [
      'sources.js',
      'export const old_values = new Map();',
      'export let old_values = new Map();\nexport function forget_old_values() { old_values = new Map(); }',
      1,
    ],
    ['batch.js', 'old_values, ', 'old_values, forget_old_values, ', 1],
    ['batch.js', 'old_values.clear()', 'forget_old_values()', 3],
  ];
  const missing = new Set(edits);
  return {
    name: 'forget-old-values',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      const file = /\/svelte\/src\/internal\/client\/reactivity\/(\w+\.js)$/.exec(id.split('?')[0]!)?.[1];
      const here = edits.filter(([name]) => name === file);
      if (here.length === 0) return null;
      return here.reduce((text, edit) => {
        const [, from, to, times] = edit;
        missing.delete(edit);
        const parts = text.split(from);
        if (parts.length !== times + 1)
          this.error(`${file} of Svelte has "${from}" ${parts.length - 1} times instead of ${times}.`);
        return parts.join(to);
      }, code);
    },
    buildEnd(failure) {
      if (!failure && missing.size > 0)
        this.error(`Svelte's ${[...missing].map(([file]) => file).join(', ')} is not where it was.`);
    },
  };
}
