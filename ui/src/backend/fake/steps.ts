/** The steps of a clone as the real program names them, with figures of a shop of middle size. */
import type { StepState } from '../wire/StepState';
import type { StepView } from '../wire/StepView';

export interface Kind {
  name: string;
  title: string;
  unit: string;
  total: number;
  /** Seconds it takes. */
  takes: number;
  /** Share of the whole job. */
  weight: number;
  done: string;
}

export const CLONE_STEPS: Kind[] = [
  { name: 'attach-platform', title: 'Attach platform', unit: '', total: 0, takes: 0.1, weight: 1, done: 'WordPress 6.8' },
  { name: 'plan', title: 'Plan', unit: '', total: 0, takes: 0.9, weight: 1, done: '22,639 files · 1.7 GB · 12 tables' },
  { name: 'prepare-target', title: 'Prepare target', unit: '', total: 0, takes: 0.2, weight: 1, done: '' },
  { name: 'copy-core', title: 'Copy core', unit: 'bytes', total: 56_000_000, takes: 1.1, weight: 5, done: '2,521 files · 56 MB' },
  {
    name: 'copy-modules',
    title: 'Copy modules',
    unit: 'bytes',
    total: 91_000_000,
    takes: 1.9,
    weight: 8,
    done: '7,904 files · 91 MB',
  },
  {
    name: 'copy-themes',
    title: 'Copy themes',
    unit: 'bytes',
    total: 14_200_000,
    takes: 0.4,
    weight: 3,
    done: '612 files · 14 MB',
  },
  {
    name: 'copy-media',
    title: 'Copy media',
    unit: 'bytes',
    total: 1_540_000_000,
    takes: 26,
    weight: 34,
    done: '11,602 files · 1.5 GB',
  },
  {
    name: 'copy-database',
    title: 'Copy database',
    unit: 'rows',
    total: 1_578_319,
    takes: 38,
    weight: 30,
    done: '12 tables · 1,578,319 rows',
  },
  {
    name: 'rewrite',
    title: 'Rewrite addresses',
    unit: 'rows',
    total: 1_578_319,
    takes: 14,
    weight: 10,
    done: '41,208 of 1,578,319 cells changed',
  },
  {
    name: 'site-defaults',
    title: 'Update site defaults',
    unit: '',
    total: 0,
    takes: 0.6,
    weight: 2,
    done: 'mail caught, cron off, new login',
  },
  { name: 'check', title: 'Check the copy', unit: 'items', total: 24, takes: 4, weight: 4, done: '24 checks, nothing found' },
  { name: 'ready', title: 'Ready', unit: '', total: 0, takes: 0.1, weight: 1, done: '' },
];

const TABLES: [string, number][] = [
  ['wp_posts', 150_000],
  ['wp_options', 1214],
  ['wp_comments', 200_000],
  ['wp_legacy', 22_554],
  ['wp_postmeta', 1_204_551],
];

/** What a step says while it is a share of the way through. */
export function working(step: StepView, share: number): string {
  if (step.name === 'copy-database' || step.name === 'rewrite') {
    let left = share * TABLES.reduce((sum, [, rows]) => sum + rows, 0);
    for (const [table, rows] of TABLES) {
      if (left < rows) return table;
      left -= rows;
    }
    return 'wp_postmeta';
  }
  if (step.name === 'copy-media')
    return `uploads/${2016 + Math.floor(share * 10)}/${String(1 + (Math.floor(share * 120) % 12)).padStart(2, '0')}`;
  if (step.name.startsWith('copy-')) return `wp-content/${step.name.slice(5)}`;
  if (step.name === 'check')
    return ['front page', 'login page', 'twelve posts', 'addresses left over'][Math.floor(share * 4)] ?? '';
  return '';
}

/** All steps of a clone, as they stand when it has come to `current` (their number when all are done, −1 before the first). */
export function stepsAt(
  current: number,
  share: number,
  began: number,
  skip: string[] = [],
  kinds: Kind[] = CLONE_STEPS,
): StepView[] {
  let clock = began;
  return kinds.map((kind, index) => {
    const skipped = skip.includes(kind.name) && index < current;
    const state: StepState = skipped ? 'skipped' : index < current ? 'completed' : index === current ? 'running' : 'pending';
    const ended = state === 'completed';
    const working_ = state === 'running';
    const started = ended || working_ ? new Date(clock).toISOString() : null;
    const took = ended ? kind.takes * 1000 : working_ ? kind.takes * share * 1000 : 0;
    clock += took;
    const step: StepView = {
      name: kind.name,
      title: kind.title,
      state,
      progress: ended ? 100 : working_ ? share * 100 : 0,
      done: ended ? kind.total : working_ ? Math.floor(kind.total * share) : 0,
      total: kind.total,
      unit: kind.unit,
      rate: working_ && kind.total ? kind.total / kind.takes : 0,
      attempts: started ? 1 : 0,
      started_at: started,
      finished_at: ended ? new Date(clock).toISOString() : null,
      active_ms: took,
      message: ended ? kind.done : skipped ? 'left out by choice' : '',
      error: null,
    };
    if (working_) step.message = working(step, share);
    return step;
  });
}

/** 0–100 of the whole job. */
export function progressOf(steps: StepView[], kinds: Kind[] = CLONE_STEPS): number {
  const weight = (index: number) => kinds[index]?.weight ?? 1;
  const whole = steps.reduce((sum, _, index) => sum + weight(index), 0);
  return steps.reduce((sum, step, index) => sum + (weight(index) * (step.state === 'skipped' ? 100 : step.progress)) / whole, 0);
}
