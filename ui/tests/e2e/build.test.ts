import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PageBrowser } from '../browser';
import { project, row } from '../screens';

describe('building a project', () => {
  let browser: PageBrowser;
  beforeAll(async () => void (browser = await PageBrowser.start()));
  afterEach(() => expect(browser.errors).toEqual([]));
  afterAll(() => browser.close());

  test('by keyboard alone, from the key to a preview that is stopped and started', async () => {
    const page = await browser.open({ scene: 'empty' });
    await page.keyboard.press('Control+b');
    await page.keyboard.type('/home/ada/projects/landing');
    await page.getByTestId('build-report').getByText('npm · package-lock.json').waitFor();
    await page.getByTestId('build-build').focus();
    await page.keyboard.press('Space');
    await page.getByTestId('launch-build').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Build landing' }).waitFor();
    expect(await page.locator('[data-testid="stepper-step"] .title').allTextContents()).toHaveLength(7);
    await page.evaluate(() => window.outside?.pass(90));
    const card = page.getByTestId('build-card');
    await card.getByText('http://127.0.0.1:4300/').waitFor();
    await card.getByText('184 MB').waitFor();
    await card.getByTestId('preview-stop').click();
    await card.getByText('The preview has been stopped').waitFor();
    await card.getByText('Start', { exact: true }).click();
    await card.getByText('The preview answers').waitFor();
    await page.context().close();
  });

  test('what is not there cannot be asked for, and a range of ports must be one', async () => {
    const page = await browser.open();
    await project(page, '/home/ada/projects/unlocked');
    await page.getByText('It has no lock file').waitFor();
    await page.getByTestId('port-from').fill('5000');
    await page.getByRole('alert').getByText('the smaller one first').waitFor();
    expect(await page.getByTestId('launch-build').isDisabled()).toBe(true);
    await page.getByTestId('build-preview').uncheck({ force: true });
    expect(await page.getByTestId('launch-build').isDisabled()).toBe(false);
    await page.getByTestId('build-source').fill('/home/ada/empty');
    await page.getByText('holds neither a package.json nor an index.html').waitFor();
    expect(await page.getByTestId('launch-build').isDisabled()).toBe(true);
    await page.context().close();
  });

  test('limits are given to a build, and one that makes no sense is refused beside its field', async () => {
    const page = await browser.open();
    await project(page, '/home/ada/projects/landing');
    await page.getByTestId('limits').click();
    expect(await page.getByTestId('limit-deadline_seconds').getAttribute('placeholder')).toBe('2 h');
    await page.getByTestId('limit-stall_seconds').fill('400d');
    await page.getByTestId('launch-build').click();
    await page.getByText('must be from a second to a year').waitFor();
    await page.getByTestId('limit-stall_seconds').fill('');
    await page.getByTestId('limit-memory').fill('2G');
    await page.getByTestId('launch-build').click();
    await page.getByRole('heading', { level: 1, name: 'Build landing' }).waitFor();
    await page.getByTestId('tab-details').click();
    await page.getByText('memory 2G', { exact: true }).waitFor();
    await page.context().close();
  });

  test('an archive that is dropped offers a build, a project asks what it is for, a site is cloned', async () => {
    const page = await browser.open();
    const drop = (path: string) => page.evaluate((dropped) => window.outside?.drop({ phase: 'dropped', paths: [dropped] }), path);
    await drop('/home/ada/Downloads/checkout.tar.gz');
    await page.getByTestId('build-report').getByText('Archive').first().waitFor();
    await page.keyboard.press('Escape');
    await drop('/home/ada/projects/landing');
    await page.getByTestId('dropped-build').waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('build-report').getByText('Vite').waitFor();
    expect(await page.getByTestId('build-source').inputValue()).toBe('/home/ada/projects/landing');
    await page.keyboard.press('Escape');
    await drop('/home/ada/sites/blog');
    await page.getByTestId('site-report').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+j');
    await drop('/home/ada/sites/shop');
    await page.getByTestId('command-search').waitFor();
    await page.context().close();
  });

  test('steps that came from the cache say so, and a mistake of types shows its lines', async () => {
    const page = await browser.open({ scene: 'builds' });
    await row(page, 'Build shop-front');
    const install = page.locator('[data-testid="stepper-step"][data-step="install"][data-state="completed"]');
    expect(await install.textContent()).toContain('from cache');
    await row(page, 'Build checkout.zip');
    expect(await page.getByTestId('last-lines').textContent()).toContain("Property 'totl' does not exist");
    await page.context().close();
  });

  test('previews are seen together, stopped and started', async () => {
    const page = await browser.open({ scene: 'builds' });
    await page.getByTestId('go-previews').click();
    const preview = page.getByTestId('preview').filter({ hasText: 'shop-front' });
    await preview.getByTestId('preview-stop').click();
    await preview.and(page.locator('[data-running="false"]')).waitFor();
    await preview.getByTestId('preview-start').click();
    await preview.and(page.locator('[data-running="true"]')).waitFor();
    await preview.locator('.title').click();
    await page.getByRole('heading', { level: 1, name: 'Build shop-front' }).waitFor();
    await page.context().close();
  });

  test('the cache is measured and emptied in the settings', async () => {
    const page = await browser.open();
    await page.keyboard.press('Control+,');
    await page.getByTestId('cache-use').getByText('1.3 GB in 14 entries').waitFor();
    await page.getByTestId('cache-clear').click();
    await page.getByTestId('cache-use').getByText('empty').waitFor();
    await page.getByTestId('settings-port-from').fill('9000');
    await page.keyboard.press('Tab');
    await page.getByText('A number from 1024 to 4499.').waitFor();
    await page.context().close();
  });
});
