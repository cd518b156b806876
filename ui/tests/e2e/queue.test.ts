import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PageBrowser } from '../browser';
import { row } from '../screens';

const state = (page: Page) => page.getByTestId('job-state').getAttribute('data-state');
const becomes = (page: Page, wanted: string) => page.locator(`[data-testid="job-state"][data-state="${wanted}"]`).waitFor();

describe('the queue', () => {
  let browser: PageBrowser;
  beforeAll(async () => void (browser = await PageBrowser.start()));
  afterEach(() => expect(browser.errors).toEqual([]));
  afterAll(() => browser.close());

  test('what asks before it destroys begins at the harmless answer', async () => {
    const page = await browser.open();
    await row(page, 'shop.example.com');
    await page.keyboard.press('Delete');
    await page.getByTestId('confirm-cancel').waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent?.trim() === 'Keep it');
    await page.keyboard.press('Escape');
    await page.context().close();
  });

  test('is walked and steered by the keyboard', async () => {
    const page = await browser.open();
    await row(page, 'shop.example.com');
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { level: 1, name: 'magazin.kunde.de' }).waitFor();
    await page.keyboard.press('p');
    await becomes(page, 'paused');
    await page.keyboard.press('p');
    await becomes(page, 'running');
    await page.keyboard.press('+');
    await page.getByText('Priority +1').waitFor();
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').getByText('The source is not touched').waitFor();
    await page.keyboard.press('Escape');
    expect(await state(page)).toBe('running');
    await page.keyboard.press('Delete');
    await page.getByTestId('confirm-cancel').focus();
    await page.keyboard.press('Enter');
    await becomes(page, 'cancelled');
    await page.context().close();
  });

  test('a failed step says why and is retried from there', async () => {
    const page = await browser.open({ scene: 'failed' });
    const step = page.locator('[data-testid="stepper-step"][data-state="failed"]');
    expect(await step.textContent()).toContain('closed the connection while wp_postmeta was copied');
    expect(await step.textContent()).toContain('Look whether the server still runs');
    await step.getByTestId('retry-step').click();
    await becomes(page, 'running');
    await page.locator('[data-testid="stepper-step"][data-step="copy-database"][data-state="running"]').waitFor();
    expect(await page.locator('[data-testid="stepper-step"][data-step="copy-media"]').getAttribute('data-state')).toBe(
      'completed',
    );
    await page.context().close();
  });

  test('a job that was set aside says why at the step where it stood, and goes on when a person says so', async () => {
    const page = await browser.open({ scene: 'set-aside' });
    const step = page.locator('[data-testid="stepper-step"][data-step="copy-database"]');
    expect(await step.getAttribute('data-state')).toBe('waiting');
    expect(await step.textContent()).toContain('The program ended 3 times while this job ran. It was set aside.');
    expect(await step.textContent()).toContain('Look at its log.');
    await step.getByTestId('retry-step').click();
    await becomes(page, 'running');
    await page.context().close();
  });

  test('a data folder that is gone is said over everything, and nothing is called saved', async () => {
    const page = await browser.open({ scene: 'gone' });
    const bar = page.getByTestId('trouble-bar');
    expect(await bar.textContent()).toContain(
      'The data folder /home/ada/.local/share/clonedeck is not there any more. Put it back',
    );
    expect(await page.getByText('all saved').count()).toBe(0);
    await page.context().close();
  });

  test('several are chosen and paused together', async () => {
    const page = await browser.open();
    await row(page, 'shop.example.com');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByRole('heading', { name: '3 jobs selected' }).waitFor();
    await page.keyboard.press('p');
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="job-row"][data-state="paused"]').length === 4);
    expect(await page.evaluate(() => window.outside?.calls)).toEqual(['steer pause 3']);
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 1, name: 'landing.example.net' }).waitFor();
    await page.context().close();
  });

  test('a menu opens where the pointer is', async () => {
    const page = await browser.open();
    await page.locator('[data-testid="job-row"]', { hasText: 'magazin' }).first().click({ button: 'right' });
    await page.getByTestId('menu-pause').click();
    await page.locator('[data-testid="job-row"][data-state="paused"]', { hasText: 'magazin' }).waitFor();
    await page.context().close();
  });

  test('paused as a whole it says so, and resumes', async () => {
    const page = await browser.open();
    await page.keyboard.press('Control+Shift+p');
    await page.getByTestId('queue-paused-bar').getByText('The queue is paused').waitFor();
    await page.getByTestId('resume-queue').click();
    await page.getByTestId('queue-paused-bar').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('five thousand in line cost a screenful', async () => {
    const page = await browser.open({ scene: 'many' });
    await page.getByText('5,000').first().waitFor({ state: 'attached' });
    expect(await page.getByTestId('job-row').count()).toBeLessThan(40);
    await page.getByTestId('job-list').focus();
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.querySelector('[data-testid="job-list"]')!.scrollTop > 250_000);
    expect(await page.getByTestId('job-row').count()).toBeLessThan(40);
    await page.context().close();
  });

  test('a hundred thousand old jobs come page by page as one scrolls', async () => {
    const page = await browser.open({ scene: 'history' });
    const list = page.getByTestId('job-list');
    let tall = 0;
    for (let turn = 0; turn < 5; turn += 1) {
      await list.evaluate((box) => (box.scrollTop = box.scrollHeight));
      await page.waitForFunction((before) => document.querySelector('[data-testid="job-list"]')!.scrollHeight > before, tall);
      tall = await list.evaluate((box) => box.scrollHeight);
    }
    expect(await page.getByTestId('job-row').count()).toBeLessThan(40);
    await page.context().close();
  });

  test('is filtered by state and by words', async () => {
    const page = await browser.open();
    await page.getByTestId('toggle-filter').click();
    await page.getByTestId('filter-failed').click();
    await page.locator('[data-testid="job-row"][data-state="failed"]').first().waitFor();
    expect(await page.locator('[data-testid="job-row"]:not([data-state="failed"])').count()).toBe(0);
    await page.getByTestId('filter-all').click();
    await page.getByTestId('filter-text').fill('museum');
    await page.waitForFunction(() =>
      [...document.querySelectorAll('[data-testid="job-row"]')].every((one) => one.textContent?.includes('museum')),
    );
    await page.getByTestId('filter-text').fill('nothing like it');
    await page.getByText('No job matches').waitFor();
    await page.context().close();
  });

  test('is filtered by site and words together, from the site itself', async () => {
    const page = await browser.open();
    await page.getByTestId('go-sites').click();
    const site = page.getByTestId('site').filter({ hasText: '~/sites/docs-copy' });
    await site.getByRole('button', { name: '1 job' }).click();
    await page.waitForFunction(() => {
      const rows = [...document.querySelectorAll('[data-testid="job-row"]')];
      return rows.length > 0 && rows.every((one) => one.textContent?.includes('docs.'));
    });
    expect(await page.getByTestId('filter-site').inputValue()).toBe('/home/ada/sites/docs-copy');
    await page.getByTestId('filter-text').fill('nothing like it');
    await page.getByText('No job matches').waitFor();
    await page.getByTestId('toggle-filter').click();
    await page.locator('[data-testid="job-row"]', { hasText: 'shop.example.com' }).first().waitFor();
    await page.context().close();
  });

  test('sites are chosen and cloned together', async () => {
    const page = await browser.open();
    await page.getByTestId('go-sites').click();
    for (const path of ['shop.example.com', 'docs.example.net'])
      await page.getByRole('checkbox', { name: `Choose ${path}` }).check();
    await page.getByTestId('clone-many').click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="copy"]').length === 2);
    await page.context().close();
  });

  test('a batch is one row with the progress of its jobs, and opens', async () => {
    const page = await browser.open({ scene: 'batch' });
    await page.getByTestId('batch-row').click();
    await page.getByRole('heading', { name: 'Franchise, autumn' }).waitFor();
    expect(await page.getByTestId('batch-row').textContent()).toContain('1 of 5 done · 1 failed');
    const rows = await page.getByTestId('job-row').count();
    await page.getByTestId('retry-failed').click();
    await page.getByTestId('batch-row').getByText('1 of 5 done', { exact: true }).waitFor();
    await page.getByTestId('job-list').focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((before) => document.querySelectorAll('[data-testid="job-row"]').length > before, rows);
    await page.context().close();
  });

  test('a hidden window is sent no progress and draws none', async () => {
    const page = await browser.open({ scene: 'one', still: false });
    const figure = page.locator('[data-testid="job-row"] .figure');
    const first = await figure.textContent();
    await page.waitForFunction(
      (before) => document.querySelector('[data-testid="job-row"] .figure')?.textContent !== before,
      first,
    );
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForTimeout(200);
    const changes = await page.evaluate(async () => {
      let seen = 0;
      const watcher = new MutationObserver((records) => (seen += records.length));
      watcher.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return seen;
    });
    expect(changes).toBe(0);
    await page.context().close();
  });
});
