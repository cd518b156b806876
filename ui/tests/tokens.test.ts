import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('../src/kit/tokens.css', import.meta.url), 'utf8');
const [light, dark] = css
  .split(":root[data-theme='dark']")
  .map((part) => new Map([...part.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value])));

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((from) => Number.parseInt(hex.slice(from, from + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function contrast(one: string, other: string): number {
  const [bright, dim] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return ((bright ?? 0) + 0.05) / ((dim ?? 0) + 0.05);
}

const GROUNDS = ['bg', 'panel', 'side', 'log'];
const PAIRS: [string, string[]][] = [
  ['text', [...GROUNDS, 'raised', 'tint', 'warn-tint', 'bad-tint', 'mark', 'track-tint']],
  ['dim', [...GROUNDS, 'raised', 'track']],
  ['accent', [...GROUNDS, 'tint']],
  ['ok', [...GROUNDS]],
  ['warn', [...GROUNDS, 'warn-tint']],
  ['bad', [...GROUNDS, 'bad-tint']],
  ['on-accent', ['accent', 'accent-deep']],
  ['on-bad', ['bad']],
  ...['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'].map((name): [string, string[]] => [
    `ansi-${name}`,
    ['log'],
  ]),
];

describe.each([
  ['light', light],
  ['dark', dark],
])('%s colours', (_, tokens) => {
  const value = (name: string) => tokens?.get(name) ?? '';

  test.each(PAIRS)('%s can be read on every ground it stands on', (name, grounds) => {
    for (const ground of grounds)
      expect(contrast(value(name), value(ground)), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  });

  test('edges of fields and shapes can be made out', () => {
    for (const ground of ['panel', 'bg']) expect(contrast(value('edge'), value(ground)), ground).toBeGreaterThanOrEqual(3);
  });
});
