import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PageBrowser } from '../browser';
import { SCREENS } from '../screens';

declare global {
  interface Window {
    axe: { run(options: object): Promise<AxeResults> };
  }
}

const OPTIONS = {
  resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  // Menus float above the landmarks they were opened from.
  rules: { region: { enabled: false } },
};

describe('what a screen reader and a person with weak eyes meet', () => {
  let browser: PageBrowser;
  let axe: string;
  beforeAll(async () => {
    browser = await PageBrowser.start();
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  });
  afterAll(() => browser.close());

  for (const screen of SCREENS) {
    for (const theme of screen.all ? (['light', 'dark'] as const) : (['light'] as const)) {
      test(`${screen.name} has no violation (${theme})`, async () => {
        const page = await browser.open({ ...screen.look, theme });
        await screen.go?.(page);
        await page.evaluate(axe);
        const { violations } = await page.evaluate((options) => window.axe.run(options), OPTIONS);
        const said = violations.flatMap(({ id, nodes }) =>
          nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`),
        );
        expect(said).toEqual([]);
        await page.context().close();
      });
    }
  }
});
