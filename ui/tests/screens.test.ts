import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PageBrowser } from './browser';
import { SCREENS } from './screens';

const SHOTS = new URL('../../artefacts/screens/', import.meta.url).pathname;

const SIZES = [
  { width: 900, height: 600 },
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
];

describe('every screen', () => {
  let browser: PageBrowser;
  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    browser = await PageBrowser.start();
  });
  afterAll(() => browser.close());

  const only = process.env['SCREEN'];
  for (const screen of SCREENS.filter(({ name }) => !only || only.split(',').some((begin) => name.startsWith(begin)))) {
    test(`${screen.name} can be drawn in both themes`, async () => {
      for (const theme of ['light', 'dark'] as const) {
        const sizes = screen.look.width
          ? [{ width: screen.look.width, height: screen.look.height ?? 800 }]
          : screen.all
            ? SIZES
            : [{ width: 1280, height: 800 }];
        for (const { width, height } of sizes) {
          const page = await browser.open({ ...screen.look, theme, width, height });
          await screen.go?.(page);
          await page.waitForTimeout(120);
          await page.screenshot({ path: `${SHOTS}${screen.name}-${theme}-${width}.png` });
          const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
          expect(tooWide, 'the page is no wider than the window').toBe(false);
          await page.context().close();
        }
      }
      expect(browser.errors).toEqual([]);
    });
  }
});
