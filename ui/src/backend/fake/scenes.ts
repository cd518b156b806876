/** Situations that the fake program can be in, chosen by `?scene=…`. */
import type { JobView } from '../wire/JobView';
import type { Problem } from '../wire/Problem';
import { buildsOf, commandsOf } from './others';
import { job, NOT_EMPTY, problem, SERVER_GONE, type Told } from './make';

export interface Scene {
  active: JobView[];
  /** Ended jobs, told in detail; the newest first. */
  ended: JobView[];
  /** Ended jobs that are made from their number when they are asked for. */
  past: number;
  firstStart?: boolean;
  paused?: boolean;
  broken?: boolean;
  /** What is wrong with the data folder. */
  trouble?: Problem;
  slow?: boolean;
  runner?: string;
  /** Lines that the log of a running job has from the start. */
  lines?: number;
}

const LONG = 'a-very-long-customer-name-that-nobody-would-shorten.staging.department-of-questions.example.museum';
const BATCH = '0193a000-0000-7000-8000-00000000ba7c';

const FULL = problem(
  'disk-full',
  'The disk that holds /home/ada/sites is full: 1.2 GB are still needed, 310 MB are free.',
  'Free some space, then go on; nothing is copied twice.',
  { disk: '/home' },
);

const GONE = problem(
  'data-folder',
  'The data folder /home/ada/.local/share/clonedeck is not there any more.',
  'Put it back, or connect its disk; nothing new starts until then, and nothing is lost.',
);

const NO_ROOM = problem(
  'data-folder-full',
  'The disk of the data folder /home/ada/.local/share/clonedeck is full.',
  'Free some space on that disk; what needs room waits until then, and nothing is lost.',
);

const UNREADABLE = problem(
  'table-unreadable',
  `The table wp_${'woocommerce_sessions_'.repeat(4)}archive cannot be read: its index is corrupt at page 4,812 of the tablespace, and the server refuses every query that touches it.`,
  'Repair the table on the source server (CHECK TABLE, then REPAIR or a restore of it), or leave it out, then retry this step; the other eleven tables are copied and stay.',
  {
    table: `wp_${'woocommerce_sessions_'.repeat(4)}archive`,
    server: 'db-primary.internal.department-of-questions.example.museum:3306',
  },
);

/** Why a job is not running; what has a word of help needs a person. */
function waits(code: string, message: string, until: string | null = null, help = ''): NonNullable<JobView['waiting_for']> {
  return { code, message, until, needs_person: help !== '', help };
}

function usual(now: number): JobView[] {
  const inSeconds = (seconds: number) => new Date(now + seconds * 1000).toISOString();
  const told: Told[] = [
    {
      n: 900_001,
      title: 'shop.example.com',
      state: 'running',
      step: 7,
      share: 0.62,
      skip: ['copy-media'],
      resumed: 1,
      url: 'https://staging.example.test',
      target: '/home/ada/sites/shop-staging',
      ago: 192,
    },
    { n: 900_002, title: 'magazin.kunde.de', state: 'running', step: 6, share: 0.23, ago: 40 },
    { n: 900_003, title: 'landing.example.net', state: 'running', step: 8, share: 0.5, ago: 75 },
    {
      n: 900_004,
      title: 'intranet.firma.example',
      state: 'waiting',
      step: 7,
      share: 0.35,
      error: SERVER_GONE,
      waiting: waits('retry', 'Database went away; trying again', inSeconds(24)),
      ago: 96,
    },
    {
      n: 900_005,
      title: 'kasse.example.com',
      state: 'waiting',
      step: 6,
      share: 0.71,
      waiting: waits(
        'disk-full',
        'The disk is full: 1.2 GB are needed on /home, 310 MB are free',
        null,
        'Free some space, then go on.',
      ),
      error: FULL,
      ago: 840,
    },
    {
      n: 900_006,
      title: 'blog.example.org',
      state: 'queued',
      waiting: waits('memory', 'Waits for memory: needs 512 MB, 310 MB free'),
      ago: 30,
    },
    {
      n: 900_007,
      title: 'verein.example.org',
      state: 'queued',
      waiting: waits('slot', 'Next in line when one of 4 slots is free'),
      priority: 5,
      ago: 20,
    },
    { n: 900_008, title: 'museum.kunde.de', state: 'paused', step: 6, share: 0.4, ago: 3000 },
  ];
  return told.map((one) => job(one, now));
}

/** A job under which the program ended three times: its step is put back, and a person says whether it runs again. */
function setAside(now: number): JobView {
  const waiting = waits(
    'set-aside',
    'The program ended 3 times while this job ran. It was set aside.',
    null,
    'Look at its log. Retry the job to run it again, or cancel it.',
  );
  const view = job({ n: 900_009, title: 'shop.example.com', state: 'waiting', step: 7, share: 0.3, waiting, resumed: 2 }, now);
  for (const step of view.steps) if (step.state === 'waiting') step.state = 'pending';
  return { ...view, crashes: 3 };
}

function line(now: number, size: number): JobView[] {
  return Array.from({ length: size }, (_, n) => {
    const message = n === 0 ? 'Next in line when one of 4 slots is free' : `${n} jobs are before it`;
    return job(
      { n: 910_000 + n, title: `site-${n + 1}.example.com`, state: 'queued', waiting: waits('slot', message), ago: 7200 - n },
      now,
    );
  });
}

function long(now: number): JobView[] {
  const source = `/srv/customers/2026/${LONG}/public_html/releases/current`;
  const message =
    'The database server at db-primary.internal.department-of-questions.example.museum:3306 did not answer within 30 s; trying again';
  return [
    job(
      {
        n: 900_001,
        title: LONG,
        state: 'running',
        step: 7,
        share: 0.62,
        source,
        target: `/srv/copies/${LONG}`,
        url: `https://preview.${LONG}`,
      },
      now,
    ),
    job(
      {
        n: 900_002,
        title: LONG,
        state: 'waiting',
        step: 7,
        share: 0.2,
        waiting: waits('retry', message, new Date(now + 40_000).toISOString()),
      },
      now,
    ),
  ];
}

export const SCENES: Record<string, (now: number) => Scene> = {
  empty: () => ({ active: [], ended: [], past: 0, firstStart: true }),
  idle: () => ({ active: [], ended: [], past: 14 }),
  one: (now) => ({ active: usual(now).slice(0, 1), ended: [], past: 0 }),
  usual: (now) => ({
    active: usual(now),
    ended: [
      job({ n: 800_001, title: 'docs.example.net', state: 'completed', ago: 1500 }, now),
      job({ n: 800_002, title: 'forum.example.net', state: 'failed', step: 2, error: NOT_EMPTY, ago: 2400 }, now),
      job({ n: 800_003, title: 'archive.example.com', state: 'completed', findings: 2, ago: 5400 }, now),
      job({ n: 800_004, title: 'press.studio.example', state: 'cancelled', step: 6, share: 0.2, ago: 9000 }, now),
    ],
    past: 30,
  }),
  many: (now) => ({ active: [...usual(now).slice(0, 4), ...line(now, 5000)], ended: [], past: 400 }),
  busy: (now) => ({
    active: Array.from({ length: 50 }, (_, n) =>
      job(
        {
          n: 900_000 + n,
          title: `site-${n + 1}.example.com`,
          state: 'running',
          step: 6 + (n % 3),
          share: (n % 9) / 10,
          ago: 60 + n,
        },
        now,
      ),
    ),
    ended: [],
    past: 5000,
  }),
  history: (now) => ({ active: usual(now).slice(0, 2), ended: [], past: 100_000 }),
  failed: (now) => ({
    active: [],
    ended: [
      job(
        { n: 800_010, title: 'intranet.firma.example', state: 'failed', step: 7, share: 0.35, error: SERVER_GONE, ago: 300 },
        now,
      ),
    ],
    past: 6,
  }),
  long: (now) => ({
    active: long(now),
    ended: [job({ n: 800_010, title: LONG, state: 'failed', step: 7, share: 0.35, error: UNREADABLE, ago: 300 }, now)],
    past: 3,
  }),
  log: (now) => ({ active: usual(now).slice(0, 1), ended: [], past: 4, lines: 1_000_000 }),
  'set-aside': (now) => ({ active: [setAside(now)], ended: [], past: 4 }),
  paused: (now) => ({ active: usual(now).slice(3), ended: [], past: 8, paused: true }),
  gone: (now) => ({ active: usual(now).slice(1, 2), ended: [], past: 8, trouble: GONE }),
  full: (now) => ({ active: usual(now).slice(1, 4), ended: [], past: 8, trouble: NO_ROOM }),
  elsewhere: (now) => ({ active: usual(now).slice(0, 3), ended: [], past: 3, runner: 'clonedeck work (process 4711)' }),
  batch: (now) => ({
    active: [
      ...['berlin', 'hamburg', 'koeln'].map((city, n) =>
        job(
          {
            n: 900_020 + n,
            title: `${city}.franchise.example`,
            state: n < 2 ? 'running' : 'queued',
            ...(n < 2 ? { step: 6 + n, share: 0.4 } : {}),
            batch: BATCH,
            batchTitle: 'Franchise, autumn',
            ago: 60,
          },
          now,
        ),
      ),
      ...usual(now).slice(0, 1),
    ],
    ended: [
      job(
        {
          n: 800_020,
          title: 'muenchen.franchise.example',
          state: 'completed',
          batch: BATCH,
          batchTitle: 'Franchise, autumn',
          ago: 200,
        },
        now,
      ),
      job(
        {
          n: 800_021,
          title: 'bremen.franchise.example',
          state: 'failed',
          step: 2,
          batch: BATCH,
          batchTitle: 'Franchise, autumn',
          ago: 180,
        },
        now,
      ),
    ],
    past: 5,
  }),
  commands: commandsOf,
  builds: buildsOf,
  broken: () => ({ active: [], ended: [], past: 0, broken: true }),
  slow: (now) => ({ active: usual(now), ended: [], past: 10, slow: true }),
};
