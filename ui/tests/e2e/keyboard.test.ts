import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PageBrowser } from '../browser';
import { row, SCREENS } from '../screens';

/** Where the keyboard comes on each of these, all the way round. */
const WALKED = [
  ...[
    'first-start',
    'job-running',
    'job-set-aside',
    'job-failed',
    'job-ready',
    'receipt',
    'details-of-a-job',
    'batch',
    'selection',
  ],
  ...['filter', 'queue-paused', 'broken', 'sites', 'settings', 'previews', 'inbox', 'palette', 'keys', 'ask-delete', 'narrow'],
  ...['new-clone-source', 'new-clone-options', 'new-clone-several', 'new-clone-plan', 'new-clone-obstacle', 'new-command-list'],
  ...['new-command-form', 'new-command-limits', 'new-command-destroys', 'new-workflow', 'new-build-limits', 'add-command'],
  ...['command-running', 'build-ready', 'log-find'],
];

/** One stop of the keyboard: what it is, and what is wrong with how it shows. */
interface Stop {
  name: string;
  again: boolean;
  wrong: string[];
}

/** Looks at what has the keyboard; nothing when the page itself has it. */
function look(): Stop | null {
  const at = document.activeElement as HTMLElement | null;
  if (!at || at === document.body) return null;
  const name = (at.getAttribute('aria-label') || at.dataset['testid'] || at.textContent || at.tagName).trim().slice(0, 60);
  const again = 'walked' in at.dataset;
  at.dataset['walked'] = '';
  // A switch and its like are drawn by what is around them, a list by the row it stands at.
  const active = at.getAttribute('aria-activedescendant');
  const around = getComputedStyle(at).opacity === '0' ? [at.nextElementSibling, at.parentElement] : [at];
  const row = active ? document.getElementById(active) : null;
  const drawn = [...around, row, row?.firstElementChild].filter((one): one is HTMLElement => one instanceof HTMLElement);
  const shows = drawn.some((one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return (outlineStyle !== 'none' && outlineWidth !== '0px') || one.getAttribute('aria-selected') === 'true';
  });
  const box = at.getBoundingClientRect();
  const hit = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, 40) / 2);
  const wrong = [];
  if (!shows) wrong.push('does not show that it has the keyboard');
  if (!hit || !(at.contains(hit) || hit.contains(at) || hit.closest('label')?.contains(at)))
    wrong.push(`is hidden by ${hit?.outerHTML.slice(0, 80) ?? 'the edge of the window'}`);
  return { name, again, wrong };
}

/** What can be acted on and was never come to. */
function missed(): string[] {
  const within = document.querySelector('[role=dialog], .inbox') ?? document;
  const all = within.querySelectorAll<HTMLElement>('button, a[href], input, select, textarea, summary, [tabindex="0"]');
  return [...all]
    .filter((one) => one.tabIndex >= 0 && !one.matches(':disabled') && one.checkVisibility())
    .filter((one) => !one.closest('[inert], [aria-hidden=true]'))
    .filter((one) => !(one instanceof HTMLInputElement && one.type === 'radio' && !one.checked))
    .filter((one) => !('walked' in one.dataset))
    .map((one) => one.getAttribute('aria-label') || one.dataset['testid'] || one.outerHTML.slice(0, 90));
}

describe('by keyboard alone', () => {
  let browser: PageBrowser;
  beforeAll(async () => void (browser = await PageBrowser.start()));
  afterEach(() => expect(browser.errors).toEqual([]));
  afterAll(() => browser.close());

  for (const name of WALKED) {
    test(`everything of ${name} is come to, in sight, and shows it`, async () => {
      const screen = SCREENS.find((one) => one.name === name);
      const size = screen!.all ? { width: 900, height: 600 } : {};
      const page = await browser.open({ ...size, ...screen!.look });
      await screen!.go?.(page);
      const wrong: string[] = [];
      let outside = 0;
      for (let steps = 0; outside < 2 && steps < 200; steps += 1) {
        await page.keyboard.press('Tab');
        const stop = await page.evaluate(look);
        if (!stop) outside += 1;
        else if (stop.again && stop.wrong.length === 0) outside = 2;
        else wrong.push(...stop.wrong.map((what) => `${stop.name} ${what}`));
      }
      expect(wrong).toEqual([]);
      expect(outside, 'the keyboard comes round').toBe(2);
      expect(await page.evaluate(missed), 'what is never come to').toEqual([]);
      await page.context().close();
    });
  }

  test('menus and dialogs open and close by keys and give the keyboard back', async () => {
    const page = await browser.open();
    await row(page, 'shop.example.com');
    for (const [opener, inside] of [
      ['job-more', 'menu-pause'],
      ['new-menu', 'menu-new-command'],
      ['bell', 'notice'],
      ['open-palette', 'palette-input'],
    ] as const) {
      await page.getByTestId(opener).focus();
      await page.keyboard.press('Enter');
      await page.getByTestId(inside).first().waitFor();
      await page.keyboard.press('Escape');
      await page.getByTestId(inside).first().waitFor({ state: 'detached' });
      await page.waitForFunction((id) => (document.activeElement as HTMLElement).dataset['testid'] === id, opener);
    }
    await page.context().close();
  });

  test('a menu is walked by arrows and chosen from by Enter', async () => {
    const page = await browser.open();
    await page.getByTestId('new-menu').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('menu-new-build').waitFor();
    await page.keyboard.press('End');
    await page.waitForFunction(() => (document.activeElement as HTMLElement).dataset['testid'] === 'menu-new-build');
    await page.keyboard.press('ArrowUp');
    await page.waitForFunction(() => (document.activeElement as HTMLElement).dataset['testid'] === 'menu-new-command');
    await page.keyboard.press('Enter');
    await page.getByTestId('command-site').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('the tabs of a job are walked by arrows', async () => {
    const page = await browser.open();
    await row(page, 'docs.example.net');
    await page.getByTestId('tab-log').focus();
    await page.keyboard.press('ArrowRight');
    await page.getByTestId('tab-plan').and(page.locator('[aria-selected=true]')).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByTestId('receipt').waitFor();
    await page.context().close();
  });
});
