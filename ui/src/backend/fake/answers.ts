/** What the fake program answers about sites, plans, receipts, settings and the machine. */
import type { ClonePasswords } from '../wire/ClonePasswords';
import type { ClonePlan } from '../wire/ClonePlan';
import type { CloneRequest } from '../wire/CloneRequest';
import type { DoctorFinding } from '../wire/DoctorFinding';
import type { Notice } from '../wire/Notice';
import type { Receipt } from '../wire/Receipt';
import type { Settings } from '../wire/Settings';
import type { SiteReport } from '../wire/SiteReport';
import type { SiteSeen } from '../wire/SiteSeen';
import { id, problem } from './make';
import { CLONE_STEPS } from './steps';

export function site(
  path: string,
  database: string | null = null,
  url: string | null = null,
  password: string | null = null,
): SiteReport {
  if (!path.startsWith('/'))
    throw problem(
      'source-missing',
      `There is no folder ${path}.`,
      'Choose a folder that exists; a path begins with /.',
      { path },
      false,
    );
  if (path.includes('empty'))
    throw problem(
      'no-site',
      `The folder ${path} holds no site that Clonedeck knows.`,
      'Choose the folder that holds wp-config.php or index.html.',
      { path },
      false,
    );
  const name = path.split('/').filter(Boolean).pop() ?? 'site';
  if (path.includes('static')) {
    return {
      path,
      platform: 'static',
      platform_title: 'Static site',
      version: null,
      title: name,
      addresses: [],
      parts: [{ part: 'core', files: 214, bytes: 8_412_000 }],
      database: null,
      notes: [],
    };
  }
  if (path.includes('odd') && !database)
    throw problem(
      'config.computed',
      'The configuration works out the name of its database while it runs.',
      'Say where the database is.',
      { path: `${path}/wp-config.php` },
      false,
    );
  if (path.includes('locked') && !password)
    throw problem(
      'database.refused',
      'The database server at 127.0.0.1 refuses the user shop: no password was given.',
      'Give the password of the database.',
      { server: '127.0.0.1' },
      false,
    );
  return {
    path,
    platform: 'wordpress',
    platform_title: 'WordPress 6.8',
    version: '6.8',
    title: `The ${name} of Ada`,
    addresses: url ? [url] : [`https://${name}.example.com`, `https://www.${name}.example.com`],
    parts: [
      { part: 'core', files: 2521, bytes: 56_000_000 },
      { part: 'modules', files: 7904, bytes: 91_000_000 },
      { part: 'themes', files: 612, bytes: 14_200_000 },
      { part: 'media', files: 11_602, bytes: 1_540_000_000 },
    ],
    database: {
      address: database ?? `mysql://${name}@127.0.0.1/${name}`,
      server: 'MariaDB 10.11.6',
      tables: 12,
      rows: 1_578_319,
      bytes: 412_000_000,
    },
    notes: path.includes('shop') ? ['WooCommerce Payments is known to phone home; it is held back in the copy.'] : [],
  };
}

const SWITCHES: [string, string, string][] = [
  ['mail', 'Catch mail', 'Mail that the copy sends is kept in a folder, none leaves.'],
  ['cron', 'Stop scheduled tasks', 'Nothing runs by itself in the copy.'],
  ['crawlers', 'Keep search engines out', 'The copy asks not to be indexed.'],
  ['egress', 'Block outgoing requests', 'Payments, webhooks and updates are blocked and listed.'],
  ['identities', 'Replace personal data', 'Names and addresses of customers become made-up ones.'],
  ['salts', 'New salts and keys', 'Cookies of the source do not work on the copy.'],
  ['sessions', 'End sessions', 'Nobody is logged in; a new administrator is made.'],
];

export function plan(request: CloneRequest, passwords: ClonePasswords): ClonePlan {
  const source = site(request.source, request.source_db, request.source_url, passwords.source);
  const kept = source.parts.filter((part) => !request.skip.includes(part.part));
  const database = source.database && !request.skip.includes('database') ? source.database.bytes : 0;
  const needed = kept.reduce((sum, part) => sum + part.bytes, 0) + database;
  const obstacles = [];
  if (request.target === request.source || request.target.startsWith(`${request.source}/`)) {
    obstacles.push(
      problem('same-place', 'The copy would lie inside its own source.', 'Choose a folder outside of it.', {}, false),
    );
  }
  if (request.target.includes('full') && !request.replace) {
    obstacles.push(
      problem(
        'target.not-empty',
        `The folder ${request.target} holds 14 files.`,
        'Empty it, choose another folder, or put aside what is there.',
        {},
        false,
      ),
    );
  }
  return {
    source,
    target: request.target,
    url: request.url ?? 'http://127.0.0.1:8410',
    database: source.database && !request.skip.includes('database') ? (request.db ?? `${source.database.address}_copy`) : null,
    excluded: [
      { pattern: 'wp-content/cache/**', reason: 'made again when it is needed', files: 1214, bytes: 81_000_000 },
      ...request.exclude.map((pattern) => ({ pattern, reason: 'asked for', files: 48, bytes: 12_400_000 })),
    ],
    bytes_needed: needed,
    bytes_free: 182_000_000_000,
    eta_seconds: { low: 80, high: 150 },
    neutralise:
      source.platform === 'wordpress'
        ? SWITCHES.map(([id, title, message]) => ({
            id,
            title,
            message,
            on: !request.neutralise_off.includes(id) && !(id === 'egress' && request.open_egress),
          }))
        : [],
    obstacles,
    warnings: request.skip.includes('media') ? ['Without media, pages of the copy show empty pictures.'] : [],
  };
}

export function receipt(findings: number): Receipt {
  return {
    files: {
      count: 22_639,
      bytes: 1_701_200_000,
      excluded: [{ pattern: 'wp-content/cache/**', reason: 'made again when it is needed', files: 1214, bytes: 81_000_000 }],
      verified: 2264,
      differences: [],
      listed: ['wp-content/uploads/shared → /srv/shared/uploads: leads outside the site, kept as a link'],
    },
    tables: [
      { name: 'wp_posts', rows_source: 150_000, rows_target: 150_000 },
      { name: 'wp_postmeta', rows_source: 1_204_551, rows_target: 1_204_551 },
      { name: 'wp_comments', rows_source: 200_000, rows_target: 200_000 },
      { name: 'wp_options', rows_source: 1214, rows_target: findings ? 1216 : 1214 },
      { name: 'wp_legacy', rows_source: 22_554, rows_target: 22_554 },
    ],
    definitions: findings ? ['wp_legacy: the collation utf8mb4_0900_ai_ci is utf8mb4_uca1400_ai_ci here'] : [],
    rewrite: {
      cells_scanned: 1_578_319,
      cells_changed: 41_208,
      by_kind: { text: 30_114, serialized: 8940, json: 2100, 'url-encoded': 54 },
      left_over: findings ? ['wp_options · widget_text: mentioned in a sentence, not as an address'] : [],
      newly_broken: 0,
      unchanged_unsafe: findings ? ['wp_postmeta 88,412 · _custom: a value of an unknown class'] : [],
    },
    neutralised: [
      'Mail is caught in wp-content/clonedeck/mail',
      'Scheduled tasks are off',
      'Search engines are asked not to index',
      'Outgoing requests are blocked',
      'Salts are new',
      '14 sessions ended',
    ],
    settings: [
      { name: 'siteurl', from: 'https://shop.example.com', to: 'https://staging.example.test' },
      { name: 'home', from: 'https://shop.example.com', to: 'https://staging.example.test' },
      { name: 'DB_NAME', from: 'shop', to: 'shop_staging' },
      { name: 'AUTH_KEY', from: '•••', to: '•••' },
    ],
    pages: ['/ answered 200 in 182 ms', '/wp-login.php answered 200 in 96 ms', '/shop/ answered 200 in 241 ms'],
    findings: findings
      ? ['One address was left in a sentence of a widget.', 'One value of an unknown class holds the old address and was left.']
      : [],
    steps: CLONE_STEPS.map((step) => ({ name: step.name, active_ms: step.takes * 1000 })),
  };
}

export const SETTINGS: Settings = {
  slots: 4,
  cpu_limit_percent: 80,
  memory_limit_percent: 90,
  notify_finished: true,
  notify_failed: true,
  notify_needs_person: true,
  notify_batch: true,
  quiet_from: '',
  quiet_to: '',
  on_close: 'ask',
  start_at_login: false,
  retention_days: 90,
  retention_jobs: 10_000,
  theme: 'system',
  port_from: 4300,
  port_to: 4499,
  cache_hours: 24,
  cache_gigabytes: 10,
};

export const DOCTOR: DoctorFinding[] = [
  {
    code: 'php',
    title: 'PHP',
    status: 'ok',
    message: 'PHP 8.2 with mysqli, sqlite3 and mbstring: copies can be started and checked here.',
    fix: '',
  },
  {
    code: 'database-client',
    title: 'Database',
    status: 'ok',
    message: 'Clonedeck speaks to MariaDB, MySQL and SQLite by itself.',
    fix: '',
  },
  {
    code: 'keychain',
    title: 'Keychain',
    status: 'warn',
    message: 'No keychain answers; passwords are kept in files that only you can read.',
    fix: 'Start a secret service such as gnome-keyring if you want them in a keychain.',
  },
  {
    code: 'notifications',
    title: 'Notifications',
    status: 'bad',
    message: 'No notification server answers: you are not told when a job ends while the window is closed.',
    fix: 'Install a notification daemon, for example: sudo apt install dunst',
  },
  { code: 'tray', title: 'Tray', status: 'ok', message: 'Clonedeck can go on in the tray.', fix: '' },
  { code: 'disk', title: 'Disk', status: 'ok', message: '182 GB are free where copies are made.', fix: '' },
];

export function notices(now: number): Notice[] {
  const at = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
  return [
    {
      id: 5,
      at: at(4),
      kind: 'needs-person',
      job: id(900_005),
      title: 'kasse.example.com',
      body: 'The disk is full: 1.2 GB are needed on /home, 310 MB are free.',
      read: false,
    },
    {
      id: 4,
      at: at(25),
      kind: 'finished',
      job: id(800_001),
      title: 'docs.example.net',
      body: 'The copy is ready. Nothing was found.',
      read: false,
    },
    {
      id: 3,
      at: at(40),
      kind: 'failed',
      job: id(800_002),
      title: 'forum.example.net',
      body: 'The folder /home/ada/sites/forum-copy holds 14 files.',
      read: false,
    },
    {
      id: 2,
      at: at(190),
      kind: 'resumed',
      job: null,
      title: 'Went on after a restart',
      body: '1 job went on: shop.example.com from Copy database, row 560,001.',
      read: true,
    },
  ];
}

export function sites(now: number): SiteSeen[] {
  const at = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
  return [
    {
      path: '/home/ada/sites/shop',
      address: 'https://shop.example.com',
      platform: 'WordPress 6.8',
      copy: false,
      last_job: id(900_001),
      last_at: at(0.05),
      jobs: 14,
    },
    {
      path: '/home/ada/sites/shop-staging',
      address: 'https://staging.example.test',
      platform: 'WordPress 6.8',
      copy: true,
      last_job: id(900_001),
      last_at: at(0.05),
      jobs: 3,
    },
    {
      path: '/home/ada/sites/docs',
      address: 'https://docs.example.net',
      platform: 'Static site',
      copy: false,
      last_job: id(800_001),
      last_at: at(0.5),
      jobs: 2,
    },
    {
      path: '/home/ada/sites/docs-copy',
      address: 'http://docs.localhost:8410',
      platform: 'Static site',
      copy: true,
      last_job: id(800_001),
      last_at: at(0.5),
      jobs: 1,
    },
    { path: '/srv/www/forum', address: null, platform: 'PHP site', copy: false, last_job: id(800_002), last_at: at(30), jobs: 1 },
  ];
}
