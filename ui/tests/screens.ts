import type { Page } from 'playwright-core';
import type { Look } from './browser';

export interface Screen {
  name: string;
  look: Look;
  /** How one comes there. */
  go?: (page: Page) => Promise<unknown>;
  /** Drawn at every size, and looked through in the dark as well. */
  all?: boolean;
}

/** Every screen and state. */
export const SCREENS: Screen[] = [
  { name: 'first-start', look: { scene: 'empty' }, all: true },
  { name: 'job-running', look: { scene: 'usual' }, go: watched, all: true },
  { name: 'one-job', look: { scene: 'one' } },
  { name: 'job-waiting', look: { scene: 'usual' }, go: (page) => row(page, 'intranet.firma.example') },
  { name: 'job-needs-you', look: { scene: 'usual' }, go: (page) => row(page, 'kasse.example.com') },
  { name: 'job-set-aside', look: { scene: 'set-aside' } },
  { name: 'job-queued', look: { scene: 'usual' }, go: (page) => row(page, 'blog.example.org') },
  { name: 'job-paused', look: { scene: 'usual' }, go: (page) => row(page, 'museum.kunde.de') },
  { name: 'job-failed', look: { scene: 'failed' }, all: true },
  { name: 'job-cancelled', look: { scene: 'usual' }, go: (page) => row(page, 'press.studio.example') },
  { name: 'job-ready', look: { scene: 'usual' }, go: (page) => row(page, 'docs.example.net'), all: true },
  {
    name: 'receipt',
    look: { scene: 'usual', width: 1280, height: 1560 },
    go: async (page) => {
      await row(page, 'archive.example.com');
      await page.getByTestId('tab-receipt').click();
      await page.getByTestId('receipt').waitFor();
    },
  },
  { name: 'plan-of-a-job', look: {}, go: (page) => page.getByTestId('tab-plan').click() },
  { name: 'details-of-a-job', look: {}, go: (page) => page.getByTestId('tab-details').click() },
  { name: 'long-names', look: { scene: 'long' }, all: true },
  {
    name: 'long-error',
    look: { scene: 'long' },
    go: (page) => page.locator('[data-testid="job-row"][data-state="failed"]').first().click(),
  },
  { name: 'five-thousand', look: { scene: 'many' }, go: scrolled },
  { name: 'history', look: { scene: 'history' }, go: scrolled },
  { name: 'batch', look: { scene: 'batch' }, go: (page) => page.getByTestId('batch-row').click() },
  { name: 'queue-paused', look: { scene: 'paused' } },
  { name: 'data-folder-gone', look: { scene: 'gone' } },
  { name: 'data-folder-full', look: { scene: 'full' } },
  { name: 'run-elsewhere', look: { scene: 'elsewhere' } },
  { name: 'broken', look: { scene: 'broken' }, all: true },
  { name: 'loading', look: { scene: 'slow' } },
  {
    name: 'selection',
    look: {},
    go: async (page) => {
      await row(page, 'shop.example.com');
      await page.locator('[data-testid="job-row"]', { hasText: 'blog.example.org' }).click({ modifiers: ['Shift'] });
    },
  },
  {
    name: 'filter',
    look: {},
    go: async (page) => (await page.getByTestId('toggle-filter').click(), page.getByTestId('filter-failed').click()),
  },
  {
    name: 'filter-site',
    look: {},
    go: async (page) => {
      await page.getByTestId('go-sites').click();
      await page.getByTestId('site').first().getByRole('button', { name: '14 jobs' }).click();
    },
  },
  { name: 'new-clone-empty', look: {}, go: (page) => page.getByTestId('new-clone').click() },
  { name: 'new-clone-source', look: {}, go: (page) => source(page, '/home/ada/sites/shop'), all: true },
  { name: 'new-clone-no-site', look: {}, go: (page) => source(page, '/home/ada/empty', false) },
  {
    name: 'new-clone-options',
    look: {},
    go: async (page) => {
      await source(page, '/home/ada/sites/shop');
      await page.getByTestId('options').click();
      await page.getByTestId('neutral-mail').waitFor({ state: 'attached' });
    },
  },
  {
    name: 'new-clone-folders',
    look: {},
    go: async (page) => {
      await folders(page);
      await page.locator('[data-path="wp-content"] .fold').click();
      await page.locator('[data-path="wp-content/uploads"] .fold').click();
      await page.locator('[data-path="wp-content/uploads/2019"]').click();
      await page.getByTestId('leave-out').scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'new-clone-elsewhere',
    look: {},
    go: async (page) => {
      await page.getByTestId('new-clone').click();
      await page.getByTestId('source-path').fill('/home/ada/sites/odd');
      await page.getByTestId('source-db').waitFor();
    },
  },
  {
    name: 'new-clone-password',
    look: {},
    go: async (page) => {
      await source(page, '/home/ada/sites/locked', false, 'no password was given');
      await page.getByTestId('source-password').fill('correct horse');
      await page.getByTestId('copy-db').fill('mysql://ada@db.internal/shop_copy');
      await page.getByTestId('copy-password').fill('battery staple');
      await page.getByTestId('copy-password-show').click();
    },
  },
  { name: 'new-clone-several', look: {}, go: several },
  { name: 'new-clone-several-plan', look: {}, go: async (page) => (await several(page), plan(page)) },
  { name: 'new-clone-plan', look: {}, go: async (page) => (await source(page, '/home/ada/sites/shop'), plan(page)), all: true },
  {
    name: 'new-clone-obstacle',
    look: {},
    go: async (page) => {
      await source(page, '/home/ada/sites/shop');
      await page.getByTestId('target-path').fill('/home/ada/full');
      await plan(page);
    },
  },
  { name: 'new-menu', look: {}, go: (page) => page.getByTestId('new-menu').click() },
  { name: 'new-command-empty', look: {}, go: (page) => page.keyboard.press('Control+j') },
  { name: 'new-command-list', look: {}, go: (page) => commands(page), all: true },
  { name: 'new-command-no-site', look: {}, go: (page) => commands(page, '/home/ada/empty', false) },
  {
    name: 'new-command-form',
    look: {},
    go: async (page) => {
      await command(page, 'wp.search-replace');
      await page.getByTestId('argument-old').fill('http://shop.example.com');
      await page.getByTestId('argument-table').fill('wp posts');
      await page.getByTestId('launch-command').click();
      await page.getByTestId('wrong-new').waitFor();
    },
    all: true,
  },
  {
    name: 'new-command-limits',
    look: {},
    go: async (page) => {
      await command(page, 'wp.media-regenerate');
      await page.getByTestId('limits').click();
      await page.getByTestId('limit-memory').fill('1M');
      await page.getByTestId('limit-deadline_seconds').fill('90m');
      await page.getByTestId('launch-command').click();
      await page.getByText('16 MB or more').waitFor();
    },
    all: true,
  },
  { name: 'new-command-destroys', look: {}, go: (page) => command(page, 'wp.db-reset') },
  {
    name: 'new-workflow',
    look: {},
    go: async (page) => (
      await command(page, 'workflow:After a deploy', 'workflow-form'),
      page.getByText('core update-db').waitFor()
    ),
    all: true,
  },
  { name: 'command-running', look: { scene: 'commands' }, go: (page) => row(page, 'Make the thumbnails anew'), all: true },
  { name: 'command-interrupted', look: { scene: 'commands' }, go: (page) => row(page, 'Move files to folders') },
  { name: 'command-failed', look: { scene: 'commands' }, go: (page) => row(page, 'Bring the database up to date'), all: true },
  { name: 'workflow-running', look: { scene: 'commands' }, go: (page) => row(page, 'After a deploy') },
  {
    name: 'workflow-tab',
    look: { scene: 'commands' },
    go: async (page) => (await row(page, 'After a deploy'), page.getByTestId('tab-plan').click()),
  },
  { name: 'new-build-empty', look: {}, go: (page) => page.keyboard.press('Control+b') },
  { name: 'new-build', look: {}, go: (page) => project(page, '/home/ada/projects/landing'), all: true },
  {
    name: 'new-build-limits',
    look: {},
    go: async (page) => (await project(page, '/home/ada/projects/landing'), page.getByTestId('limits').click()),
  },
  { name: 'new-build-archive', look: {}, go: (page) => project(page, '/home/ada/Downloads/checkout.zip') },
  { name: 'build-running', look: { scene: 'builds' }, go: (page) => row(page, 'Build landing') },
  { name: 'build-ready', look: { scene: 'builds' }, go: (page) => row(page, 'Build shop-front'), all: true },
  { name: 'build-failed', look: { scene: 'builds' }, go: (page) => row(page, 'Build checkout.zip') },
  {
    name: 'previews',
    look: { scene: 'builds' },
    go: async (page) => (await page.getByTestId('go-previews').click(), page.getByTestId('preview').first().waitFor()),
    all: true,
  },
  {
    name: 'previews-none',
    look: { scene: 'empty' },
    go: async (page) => (await page.getByTestId('go-previews').click(), page.getByText('Nothing is shown').waitFor()),
  },
  {
    name: 'settings-builds',
    look: {},
    go: async (page) => (
      await page.getByTestId('go-settings').click(),
      await page.getByTestId('own-command').first().waitFor(),
      page.getByTestId('settings-builds').scrollIntoViewIfNeeded()
    ),
  },
  {
    name: 'add-command',
    look: {},
    go: async (page) => {
      await page.getByTestId('go-settings').click();
      await page.getByTestId('own-add').click();
      await page.getByTestId('own-words').fill('user --list');
      await page.getByTestId('own-add-argument').click();
      await page.getByTestId('own-do-add').click();
      await page.getByTestId('own-wrong').waitFor();
    },
  },
  {
    name: 'dropped',
    look: {},
    go: async (page) => {
      await page.evaluate(() => window.outside?.drop({ phase: 'dropped', paths: ['/home/ada/projects/landing'] }));
      await page.getByTestId('dropped-build').waitFor();
    },
  },
  { name: 'palette', look: {}, go: (page) => page.keyboard.press('Control+k') },
  { name: 'palette-search', look: {}, go: async (page) => (await page.keyboard.press('Control+k'), page.keyboard.type('shop')) },
  { name: 'inbox', look: {}, go: (page) => page.getByTestId('bell').click() },
  { name: 'menu', look: {}, go: (page) => page.getByTestId('job-more').click() },
  { name: 'sites', look: {}, go: (page) => page.getByTestId('go-sites').click() },
  { name: 'settings', look: {}, go: (page) => page.getByTestId('go-settings').click(), all: true },
  {
    name: 'doctor',
    look: {},
    go: async (page) => (await page.getByTestId('go-settings').click(), page.getByTestId('doctor').scrollIntoViewIfNeeded()),
  },
  { name: 'ask-cancel', look: {}, go: async (page) => (await row(page, 'shop.example.com'), page.keyboard.press('Delete')) },
  { name: 'ask-delete', look: {}, go: (page) => more(page, 'docs.example.net', 'delete') },
  { name: 'ask-lift', look: {}, go: (page) => more(page, 'docs.example.net', 'lift') },
  { name: 'ask-close', look: {}, go: (page) => page.evaluate(() => window.outside?.askLeave('close')) },
  { name: 'keys', look: {}, go: (page) => page.keyboard.press('?') },
  { name: 'drop', look: {}, go: (page) => page.evaluate(() => window.outside?.drop({ phase: 'over' })) },
  { name: 'log-long', look: { scene: 'log' }, go: (page) => page.getByText('range 79,998,800').first().waitFor() },
  {
    name: 'log-find',
    look: { scene: 'log' },
    go: async (page) => {
      await page.keyboard.press('Control+f');
      await page.getByTestId('log-search').fill('opened a new one');
      await page.keyboard.press('Enter');
      await page.getByText(/^line /).waitFor();
    },
  },
  { name: 'narrow', look: { width: 820, height: 640 } },
  { name: 'drawer', look: { width: 600, height: 640 }, go: (page) => page.getByTestId('open-drawer').click() },
  { name: 'tiny', look: { width: 480, height: 640 }, go: async (page) => page.getByTestId('tab-steps').click() },
  { name: 'large-text', look: { width: 1280, height: 800, text: 2 } },
];

export async function row(page: Page, title: string): Promise<void> {
  await page.locator('[data-testid="job-row"]', { hasText: title }).first().click();
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
}
/** A job that has been watched for a minute, so that its throughput is drawn. */
async function watched(page: Page): Promise<void> {
  await row(page, 'shop.example.com');
  await page.evaluate(() => {
    const begun = performance.now();
    for (let second = 0; second < 60; second += 1) {
      performance.now = () => begun + second * 1000;
      window.outside?.pass(0.05);
    }
  });
}
async function more(page: Page, title: string, choice: string): Promise<void> {
  await row(page, title);
  await page.getByTestId('job-more').click();
  await page.getByTestId(`menu-${choice}`).click();
}
export async function source(page: Page, path: string, known = true, refused = 'holds no site'): Promise<void> {
  await page.getByTestId('new-clone').click();
  await page.getByTestId('source-path').fill(path);
  await (known ? page.getByTestId('target-path') : page.getByText(refused)).waitFor();
}
/** Two copies of one site, and one of another. */
export async function several(page: Page): Promise<void> {
  await source(page, '/home/ada/sites/shop');
  await page.getByTestId('add-copy').click();
  await page.getByTestId('site-report').waitFor();
  await page.getByTestId('add-site').click();
  await page.getByTestId('source-path').fill('/home/ada/sites/blog');
  await page.getByTestId('site-report').waitFor();
}
export async function folders(page: Page): Promise<void> {
  await source(page, '/home/ada/sites/shop');
  await page.getByTestId('options').click();
  await page.getByTestId('browse-folders').click();
  await page.getByTestId('branch').first().waitFor();
}
export async function plan(page: Page): Promise<void> {
  await page.getByTestId('plan-next').click();
  await page.getByTestId('plan').waitFor();
}
export async function commands(page: Page, path = '/home/ada/sites/shop', known = true): Promise<void> {
  await page.keyboard.press('Control+j');
  await page.getByTestId('command-site').fill(path);
  await (known ? page.getByTestId('command-search') : page.getByText('No command of the list fits')).waitFor();
}
export async function command(page: Page, id: string, opens = 'command-words'): Promise<void> {
  await commands(page);
  await page.locator(`[data-command="${id}"]`).click();
  await page.getByTestId(opens).waitFor();
}
export async function project(page: Page, path: string): Promise<void> {
  await page.keyboard.press('Control+b');
  await page.getByTestId('build-source').fill(path);
  await page.getByTestId('build-report').waitFor();
}
async function scrolled(page: Page): Promise<void> {
  await page.getByTestId('job-list').evaluate((list) => (list.scrollTop = 12_000));
}
