import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { id } from '../../src/backend/fake/make';
import { PageBrowser } from '../browser';
import { row } from '../screens';

describe('the window', () => {
  let browser: PageBrowser;
  beforeAll(async () => void (browser = await PageBrowser.start()));
  afterEach(() => expect(browser.errors).toEqual([]));
  afterAll(() => browser.close());

  test('a million lines of log scroll, are searched and followed', async () => {
    const page = await browser.open({ scene: 'log' });
    const log = page.getByTestId('log');
    await page.getByText('range 79,998,800').waitFor();
    expect(await log.locator('.place').count()).toBeLessThan(120);
    await log.evaluate((box) => (box.scrollTop = 0));
    await page.getByText('WordPress 6.8, one site').waitFor();
    expect(await page.getByTestId('log-follow').getAttribute('aria-pressed')).toBe('false');
    await page.keyboard.press('Control+f');
    await page.keyboard.type('snapshot open');
    await page.keyboard.press('Enter');
    await page.getByText('line 9', { exact: true }).waitFor();
    await page.getByTestId('log-search').fill('no such words');
    await page.keyboard.press('Escape');
    await page.getByTestId('log-follow').click();
    await page.getByText('range 79,998,800').waitFor();
    await page.context().close();
  });

  test('a log that grows is followed to its end', async () => {
    const page = await browser.open({ scene: 'one' });
    await page
      .getByText('wp_postmeta 1,204,551')
      .first()
      .waitFor({ state: 'attached' })
      .catch(() => undefined);
    await page.evaluate(() => window.outside?.pass(20));
    await page.waitForFunction(() => {
      const box = document.querySelector('[data-testid="log"]');
      return box && box.scrollHeight > box.clientHeight && box.scrollHeight - box.scrollTop - box.clientHeight < 30;
    });
    await page.context().close();
  });

  test('a copy is deleted only by its name', async () => {
    const page = await browser.open();
    await row(page, 'docs.example.net');
    await page.getByTestId('job-more').click();
    await page.getByTestId('menu-delete').click();
    await page.getByText('the folder /home/ada/sites/docs-copy').waitFor();
    await page.getByTestId('confirm-name').fill('docs');
    expect(await page.getByTestId('confirm-delete').isDisabled()).toBe(true);
    await page.getByTestId('confirm-name').fill('docs-copy');
    await page.getByTestId('confirm-delete').click();
    await page.getByText('docs-copy was deleted').waitFor();
    expect(await page.evaluate(() => window.outside?.calls)).toEqual([`delete ${id(800_001)}`]);
    await page.context().close();
  });

  test('the receipt is read and saved', async () => {
    const page = await browser.open();
    await row(page, 'archive.example.com');
    await page.getByTestId('tab-receipt').click();
    const receipt = page.getByTestId('receipt');
    await receipt.waitFor();
    for (const said of ['One address was left in a sentence', '22,639 files', '1,204,551', '41,208'])
      expect(await receipt.textContent()).toContain(said);
    await page.getByText('Save as JSON').click();
    await page.getByTestId('note').getByText('.json').waitFor();
    await page.context().close();
  });

  test('notices are read under the bell and lead to their job', async () => {
    const page = await browser.open();
    expect(await page.getByTestId('bell').getAttribute('data-unread')).toBe('3');
    await page.getByTestId('bell').click();
    await page.getByTestId('notice').filter({ hasText: 'forum.example.net' }).click();
    await page.getByRole('heading', { level: 1, name: 'forum.example.net' }).waitFor();
    expect(await page.getByTestId('bell').getAttribute('data-unread')).toBe('0');
    await page.evaluate((job) => window.outside?.show(job), id(900_006));
    await page.getByRole('heading', { level: 1, name: 'blog.example.org' }).waitFor();
    await page.context().close();
  });

  test('one goes anywhere by typing', async () => {
    const page = await browser.open();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('museum.kunde');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'museum.kunde.de' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('colours dark');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'dark');
    await page.context().close();
  });

  test('settings are kept as they are changed, and a number out of range is not', async () => {
    const page = await browser.open();
    await page.keyboard.press('Control+,');
    await page.getByTestId('slots').fill('6');
    await page.keyboard.press('Tab');
    await page.getByTestId('settings-saved').getByText('Saved').waitFor();
    await page.getByTestId('slots').fill('99');
    await page.keyboard.press('Tab');
    await page.getByText('A number from 1 to 64.').waitFor();
    await page.getByTestId('go-sites').click();
    await page.getByTestId('site').first().waitFor();
    await page.getByTestId('go-settings').click();
    expect(await page.getByTestId('slots').inputValue()).toBe('6');
    expect(await page.locator('[data-testid="finding"][data-status="bad"]').textContent()).toContain(
      'No notification server answers',
    );
    await page.context().close();
  });

  test('quiet hours are switched on with a night to begin with, and off again', async () => {
    const page = await browser.open();
    await page.keyboard.press('Control+,');
    await page.getByTestId('quiet').press('Space');
    expect(await page.getByTestId('quiet-from').inputValue()).toBe('22:00');
    await page.getByTestId('quiet-to').fill('06:30');
    await page.getByTestId('go-sites').click();
    await page.getByTestId('go-settings').click();
    expect(await page.getByTestId('quiet-to').inputValue()).toBe('06:30');
    await page.getByTestId('quiet').press('Space');
    await page.getByTestId('quiet-from').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('leaving asks what that means, and costs nobody a half-filled form', async () => {
    const page = await browser.open();
    await page.keyboard.press('Control+n');
    await page.getByTestId('source-path').fill('/srv/www/press');
    await page.keyboard.press('Control+w');
    await page.getByRole('dialog').getByText('There is no tray here').waitFor();
    await page.getByTestId('close-hide').click();
    expect(await page.getByTestId('source-path').inputValue()).toBe('/srv/www/press');
    await page.keyboard.press('Control+q');
    await page.getByRole('dialog').getByText('Nothing is copied twice').waitFor();
    await page.getByTestId('close-quit').click();
    await page.waitForFunction(() => window.outside?.calls.length === 2);
    expect(await page.evaluate(() => window.outside?.calls)).toEqual(['hide', 'quit']);
    await page.context().close();
  });

  test('a queue that cannot be opened says why and what to do', async () => {
    const page = await browser.open({ scene: 'broken' });
    await page.getByText('The database was written by a newer Clonedeck').waitFor();
    await page.getByText('Start the newer version').waitFor();
    await page.getByText('store-newer').waitFor();
    await page.context().close();
  });

  test('a small window keeps everything, behind tabs and a drawer', async () => {
    const page = await browser.open({ width: 560, height: 600, scene: 'failed' });
    await page.getByTestId('retry-step').waitFor();
    await page.getByTestId('tab-log').click();
    await page.getByTestId('log').waitFor();
    await page.getByTestId('open-drawer').click();
    await page
      .locator('[data-testid="job-row"]', { hasText: 'blog' })
      .or(page.locator('[data-testid="job-row"]').nth(2))
      .first()
      .click();
    await page.getByTestId('job-list').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('the menu of the web view is kept from what it would only reload', async () => {
    const page = await browser.open();
    const opens = (where: string) =>
      page
        .locator(where)
        .first()
        .evaluate((part) => part.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true })));
    expect(await opens('h1')).toBe(false);
    await page.getByTestId('new-clone').click();
    expect(await opens('[data-testid="source-path"]')).toBe(true);
    await page.context().close();
  });

  test('nothing can move the window as a whole', async () => {
    const page = await browser.open({ width: 900, height: 600 });
    await page.getByTestId('go-settings').click();
    await page.getByTestId('own-command').first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBe(600);
    await page.context().close();
  });

  test('from the list to the job and back by one key', async () => {
    const page = await browser.open();
    await page.getByTestId('job-list').focus();
    await page.keyboard.press('F6');
    expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true);
    await page.keyboard.press('F6');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('listbox');
    await page.context().close();
  });
});
