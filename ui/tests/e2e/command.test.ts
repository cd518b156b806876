import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PageBrowser } from '../browser';
import { command, commands, row } from '../screens';

describe('running commands of a site', () => {
  let browser: PageBrowser;
  beforeAll(async () => void (browser = await PageBrowser.start()));
  afterEach(() => expect(browser.errors).toEqual([]));
  afterAll(() => browser.close());

  const words = (page: Awaited<ReturnType<PageBrowser['open']>>) =>
    page.getByTestId('command-words').locator('li').allTextContents();

  test('by keyboard alone, from the key to the counts of the job', async () => {
    const page = await browser.open({ scene: 'empty' });
    await page.keyboard.press('Control+j');
    await page.keyboard.type('/home/ada/sites/shop');
    await page.getByTestId('command-search').waitFor();
    await page.keyboard.type('replace text');
    await page.keyboard.press('Enter');
    await page.getByTestId('command-form').waitFor();
    await page.keyboard.type('http://old.example');
    await page.keyboard.press('Tab');
    await page.keyboard.type('https://new.example; rm -rf /');
    await page.getByText('https://new.example; rm -rf /', { exact: true }).waitFor();
    expect(await words(page)).toEqual([
      'wp',
      'search-replace',
      'http://old.example',
      'https://new.example; rm -rf /',
      '--no-color',
    ]);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('heading', { level: 1, name: 'Replace a text in the database: shop' }).waitFor();
    await page.evaluate(() => window.outside?.pass(60));
    await page.locator('[data-testid="job-state"][data-state="completed"]').waitFor();
    await page.getByTestId('stat').filter({ hasText: 'moved' }).getByText('8,167').waitFor();
    await page.context().close();
  });

  test('a mistake stands beside its field, and nothing is run', async () => {
    const page = await browser.open();
    await command(page, 'wp.search-replace');
    await page.getByTestId('argument-old').fill('-v');
    await page.getByTestId('launch-command').click();
    await page.getByTestId('wrong-old').getByText('could be taken for an option').waitFor();
    await page.getByTestId('wrong-new').getByText('it needs <new>').waitFor();
    expect(await page.getByTestId('argument-old').getAttribute('aria-invalid')).toBe('true');
    await page.getByTestId('argument-old').fill('a');
    await page.getByTestId('wrong-old').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => window.outside?.calls)).toEqual([]);
    await page.context().close();
  });

  test('limits are said by keyboard, refused beside their field, and kept with the job', async () => {
    const page = await browser.open();
    await command(page, 'wp.cache-flush');
    await page.getByTestId('limits').focus();
    expect(await page.getByTestId('limits').getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type('1M');
    await page.keyboard.press('Tab');
    await page.keyboard.type('0.5');
    expect(await page.getByTestId('limit-deadline_seconds').getAttribute('placeholder')).toBe('48 h');
    expect(await page.getByTestId('limit-stall_seconds').getAttribute('placeholder')).toBe('1 h');
    await page.keyboard.press('Enter');
    await page.getByText('The limit of memory must be 16 MB or more.').waitFor();
    const memory = page.getByTestId('limit-memory');
    expect(await memory.getAttribute('aria-invalid')).toBe('true');
    expect(await memory.evaluate((field) => document.activeElement === field)).toBe(true);
    expect(await page.evaluate(() => window.outside?.calls)).toEqual([]);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('lots');
    await page.keyboard.press('Enter');
    await page.getByText('A size is a number with M or G').waitFor();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('64M');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Empty the object cache: shop' }).waitFor();
    await page.getByTestId('tab-details').click();
    await page.getByText('memory 64M, processors 0.5', { exact: true }).waitFor();
    await page.context().close();
  });

  test('a workflow takes limits for each of its commands', async () => {
    const page = await browser.open();
    await command(page, 'workflow:After a deploy', 'workflow-form');
    await page.getByTestId('limits').click();
    expect(await page.getByTestId('limit-deadline_seconds').getAttribute('placeholder')).toBe('as each command has it');
    await page.getByTestId('limit-deadline_seconds').fill('30m');
    await page.getByTestId('launch-workflow').click();
    await page.getByRole('heading', { level: 1, name: 'After a deploy: shop' }).waitFor();
    await page.getByTestId('tab-details').click();
    await page.getByText('30 min at work', { exact: true }).waitFor();
    await page.context().close();
  });

  test('a trial asks for nothing; what destroys asks for the name of the site', async () => {
    const page = await browser.open();
    await command(page, 'wp.core-update-db');
    await page.getByTestId('dry-run').check({ force: true });
    await page.getByTestId('command-words').getByText('--dry-run').waitFor();
    await page.getByTestId('launch-command').getByText('Show what it would do').click();
    await page.getByRole('heading', { level: 1, name: 'Bring the database up to date, only shown: shop' }).waitFor();
    await command(page, 'wp.db-reset');
    await page.getByTestId('confirm-name').fill('Shop');
    expect(await page.getByTestId('launch-command').isDisabled()).toBe(true);
    await page.getByTestId('confirm-name').fill('shop');
    await page.getByTestId('launch-command').getByText('Empty the whole database of shop').click();
    await page.getByRole('heading', { level: 1, name: 'Empty the whole database: shop' }).waitFor();
    await page.context().close();
  });

  test('a workflow is built, moved by keyboard and pointer, kept, and run in its order', async () => {
    const page = await browser.open();
    await command(page, 'new', 'workflow-form');
    await page.getByTestId('workflow-name').fill('Tidy up');
    for (const id of ['wp.cache-flush', 'wp.core-update-db', 'wp.rewrite-flush']) {
      await page.getByTestId('workflow-add').click();
      await page.locator(`[data-command="${id}"]`).click();
      await page.getByTestId('launch-command').getByText('Add to the workflow').click();
      await page.getByTestId('workflow-form').waitFor();
    }
    const titles = () => page.getByTestId('workflow-place').locator('.title').allTextContents();
    await page.locator('[data-testid="workflow-place"] .grip').nth(1).focus();
    await page.keyboard.press('ArrowUp');
    await page.getByText('Bring the database up to date is now 1 of 3').waitFor({ state: 'attached' });
    expect(await titles()).toEqual(['Bring the database up to date', 'Empty the object cache', 'Build the permalinks anew']);
    const grip = (at: number) => page.locator('[data-testid="workflow-place"] .grip').nth(at);
    const [from, to] = [await grip(2).boundingBox(), await grip(0).boundingBox()];
    await page.mouse.move(from!.x + 5, from!.y + 5);
    await page.mouse.down();
    await page.mouse.move(to!.x + 5, to!.y + 5, { steps: 4 });
    await page.mouse.up();
    expect(await titles()).toEqual(['Build the permalinks anew', 'Bring the database up to date', 'Empty the object cache']);
    await page.getByTestId('workflow-save').click();
    await page.getByTestId('note').getByText('“Tidy up” is kept for this site').waitFor();
    await page.getByTestId('launch-workflow').click();
    await page.getByRole('heading', { level: 1, name: 'Tidy up: shop' }).waitFor();
    expect(await page.locator('[data-testid="stepper-step"] .title').allTextContents()).toEqual([
      'Bring the database up to date (only shown), at work',
      'Build the permalinks anew, to come',
      'Bring the database up to date, to come',
      'Empty the object cache, to come',
    ]);
    await commands(page);
    await page.locator('[data-command="workflow:Tidy up"]').click();
    await page.getByTestId('workflow-forget').click();
    await page.getByTestId('command-search').waitFor();
    expect(await page.locator('[data-command="workflow:Tidy up"]').count()).toBe(0);
    await page.context().close();
  });

  test('one that was cut off says where it was and is run again only when asked', async () => {
    const page = await browser.open({ scene: 'commands' });
    await row(page, 'Move files to folders');
    const step = page.locator('[data-testid="stepper-step"][data-step="run"]');
    expect(await step.textContent()).toContain('It was at “Rewrite references”, 4,120 of 8,420. Run it again?');
    await step.getByTestId('leave-it').click();
    await page.getByRole('dialog').getByText('What it has changed in the site stays changed').waitFor();
    await page.keyboard.press('Escape');
    await step.getByText('Run it again', { exact: true }).click();
    await page.locator('[data-testid="job-state"][data-state="running"]').waitFor();
    await page.context().close();
  });

  test('a failure shows how it ended and the last that was said', async () => {
    const page = await browser.open({ scene: 'commands' });
    await row(page, 'Bring the database up to date');
    const lines = page.getByTestId('last-lines');
    expect(await lines.textContent()).toContain('exit code 1');
    expect(await lines.textContent()).toContain("Duplicate entry 'A-1042'");
    await page.locator('[data-testid="job-row"][data-state="failed"]', { hasText: 'thumbnails' }).click();
    await page.getByTestId('last-lines').getByText('signal 9').waitFor();
    await page.context().close();
  });

  test('the list of allowed commands is added to and taken from in the settings', async () => {
    const page = await browser.open();
    await page.keyboard.press('Control+,');
    await page.getByTestId('own-add').click();
    await page.getByTestId('own-words').fill('option --get');
    await page.getByTestId('own-title').fill('Read an option');
    await page.getByTestId('own-do-add').click();
    await page.getByTestId('own-wrong').getByText('do not begin with a dash').waitFor();
    await page.getByTestId('own-words').fill('option get');
    await page.getByTestId('own-do-add').click();
    await page.getByTestId('own-command').filter({ hasText: 'wp option get' }).waitFor();
    await page.getByTestId('own-command').filter({ hasText: 'wp option get' }).getByTestId('own-remove').click();
    await page.getByTestId('note').getByText('wp option get was removed').waitFor();
    await page.context().close();
  });
});
