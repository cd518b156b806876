import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PageBrowser } from '../browser';
import { folders, plan, several, source } from '../screens';

describe('cloning several at once', () => {
  let browser: PageBrowser;
  beforeAll(async () => void (browser = await PageBrowser.start()));
  afterEach(() => expect(browser.errors).toEqual([]));
  afterAll(() => browser.close());

  test('one site to two places and another site are one batch in the list', async () => {
    const page = await browser.open({ scene: 'empty' });
    await several(page);
    await page.getByTestId('batch-title').fill('Spring');
    await plan(page);
    expect(await page.getByTestId('planned-copy').count()).toBe(3);
    expect(await page.getByTestId('plan').textContent()).toContain('~/sites/shop-copy-2');
    await page.waitForFunction(() => !document.querySelector<HTMLButtonElement>('[data-testid="launch"]')?.disabled);
    await page.getByTestId('launch').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByTestId('batch-row').getByText('Spring').waitFor();
    await page.getByRole('heading', { level: 1, name: 'Spring' }).waitFor();
    expect(await page.getByTestId('batch-row').count()).toBe(1);
    await page.evaluate(() => window.outside?.pass(200));
    await page.getByTestId('batch-row').getByText('3 of 3 done').waitFor();
    await page.context().close();
  });

  test('folders dropped together make a batch', async () => {
    const page = await browser.open();
    await page.evaluate(() =>
      window.outside?.drop({ phase: 'dropped', paths: ['/home/ada/sites/blog', '/home/ada/sites/press', '/srv/static'] }),
    );
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="copy"]').length === 3);
    await page.keyboard.press('Escape');
    await page.context().close();
  });

  test('two copies into one folder are refused, and the one that is meant says so', async () => {
    const page = await browser.open();
    await several(page);
    await page.getByTestId('copy-head').nth(1).click();
    await page.getByTestId('target-path').fill('/home/ada/sites/shop-copy');
    await plan(page);
    await page.waitForFunction(() => !document.querySelector<HTMLButtonElement>('[data-testid="launch"]')?.disabled);
    await page.getByTestId('launch').click();
    await page.getByText('Two of the copies would go into /home/ada/sites/shop-copy.').waitFor();
    expect(await page.getByTestId('launch').isDisabled()).toBe(true);
    await page.context().close();
  });

  test('a copy is taken off the list, and one alone is no batch', async () => {
    const page = await browser.open();
    await several(page);
    for (const name of ['Take copy 3 off the list', 'Take copy 2 off the list']) await page.getByRole('button', { name }).click();
    await page.getByTestId('copy').first().waitFor({ state: 'detached' });
    expect(await page.getByTestId('source-path').inputValue()).toBe('/home/ada/sites/shop');
    await page.context().close();
  });
});

describe('what stays behind', () => {
  let browser: PageBrowser;
  beforeAll(async () => void (browser = await PageBrowser.start()));
  afterEach(() => expect(browser.errors).toEqual([]));
  afterAll(() => browser.close());

  test('is chosen in the folders by keyboard, and shown as patterns', async () => {
    const page = await browser.open();
    await folders(page);
    const branch = (path: string) => page.locator(`[data-testid="branch"][data-path="${path}"]`);
    await branch('wp-content').focus();
    await page.keyboard.press('ArrowRight');
    await branch('wp-content/uploads').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await branch('wp-content/uploads/2025').waitFor();
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-path'))).toBe('wp-content/uploads/2025');
    await page.keyboard.press(' ');
    expect(await branch('wp-content/uploads/2025').getAttribute('aria-checked')).toBe('false');
    expect(await branch('wp-content/uploads').getAttribute('aria-checked')).toBe('mixed');
    expect(await branch('wp-content').getAttribute('aria-checked')).toBe('mixed');
    await page.getByTestId('pattern').getByText('/wp-content/uploads/2025/', { exact: true }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press(' ');
    expect(await branch('wp-content/uploads').getAttribute('aria-checked')).toBe('true');
    expect(await page.getByTestId('pattern').count()).toBe(0);
    await page.context().close();
  });

  test('says why a cache is left out, and takes it in when it is wanted', async () => {
    const page = await browser.open();
    await folders(page);
    await page.locator('[data-path="wp-content"] .fold').click();
    const cache = page.locator('[data-path="wp-content/cache"]');
    await cache.getByText('a cache, filled again').waitFor();
    expect(await cache.getAttribute('aria-checked')).toBe('false');
    await cache.click();
    expect(await cache.getAttribute('aria-checked')).toBe('true');
    await page.getByTestId('pattern').getByText('!/wp-content/cache/').waitFor();
    await page.context().close();
  });

  test('a site that does not say where its database is asks for it', async () => {
    const page = await browser.open();
    await page.getByTestId('new-clone').click();
    await page.getByTestId('source-path').fill('/home/ada/sites/odd');
    await page.getByText('works out the name of its database').waitFor();
    await page.getByTestId('source-db').fill('mysql://odd@127.0.0.1/odd');
    await page.getByTestId('site-report').waitFor();
    await page.getByTestId('source-url').fill('https://odd.example.org');
    await page.getByTestId('site-report').getByText('odd.example.org').waitFor();
    await plan(page);
    expect(await page.getByTestId('plan').textContent()).toContain('mysql://odd@127.0.0.1/odd');
    await page.context().close();
  });

  test('an obstacle is put out of the way where it stands', async () => {
    const page = await browser.open();
    await source(page, '/home/ada/sites/shop');
    await page.getByTestId('target-path').fill('/home/ada/full');
    await plan(page);
    await page.getByTestId('way-out').click();
    await page.getByTestId('obstacles').waitFor({ state: 'detached' });
    await page.context().close();
  });
});
