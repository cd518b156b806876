/** The list on the left as a line of headings and rows: running first, then what waits, what is in line, and the history by day. */
import type { JobFilter } from '../backend/wire/JobFilter';
import type { JobState } from '../backend/wire/JobState';
import { dayGroup } from '../kit/format';
import { type Job, needsPerson } from './job.svelte';

export type Item =
  | { kind: 'head'; key: string; group: string; size: number | null }
  | { kind: 'job'; key: string; job: Job; child: boolean }
  | { kind: 'batch'; key: string; batch: string; jobs: Job[]; open: boolean };

const ORDER = ['needs-you', 'running', 'waiting', 'queued', 'paused'] as const;

/** In which group a job stands. */
export function groupOf(job: Job, now: number): string {
  const { row } = job;
  if (needsPerson(row)) return 'needs-you';
  if (!job.ended) return row.state;
  return `day:${dayGroup(row.finished_at ?? row.created_at, now)}`;
}

const URGENCY: JobState[] = ['waiting', 'running', 'queued', 'paused', 'failed', 'completed', 'cancelled'];

/** The member that decides where a batch stands: whatever is most alive. */
export function leader(jobs: Job[]): Job {
  const running = jobs.find((job) => job.row.state === 'running');
  if (running) return running;
  return jobs.reduce((best, job) => (URGENCY.indexOf(job.row.state) < URGENCY.indexOf(best.row.state) ? job : best));
}

/** Everything in its order, batches as one row each. */
export function arrange(active: Job[], history: Job[], batches: Map<string, Job[]>, opened: Set<string>, now: number): Item[] {
  const groups = new Map<string, Item[]>(ORDER.map((group) => [group, []]));
  const placed = new Set<string>();
  const place = (job: Job) => {
    const members = job.row.batch ? batches.get(job.row.batch) : undefined;
    if (!job.row.batch || !members || members.length < 2) {
      into(groups, groupOf(job, now)).push({ kind: 'job', key: job.id, job, child: false });
      return;
    }
    const batch = job.row.batch;
    if (placed.has(batch)) return;
    placed.add(batch);
    const open = opened.has(batch);
    const rows = into(groups, groupOf(leader(members), now));
    rows.push({ kind: 'batch', key: `batch:${batch}`, batch, jobs: members, open });
    if (open) rows.push(...members.map((member): Item => ({ kind: 'job', key: member.id, job: member, child: true })));
  };
  active.forEach(place);
  history.forEach(place);
  const items: Item[] = [];
  for (const [group, rows] of [...groups].sort(([a], [b]) => standing(a) - standing(b))) {
    if (rows.length === 0) continue;
    const size = group.startsWith('day:') ? null : rows.filter((row) => row.kind !== 'job' || !row.child).length;
    items.push({ kind: 'head', key: `head:${group}`, group, size }, ...rows);
  }
  return items;
}

const DAYS = ['day:today', 'day:yesterday', 'day:week'];

/** Where a group stands: months keep the order in which they came, for jobs come newest first. */
function standing(group: string): number {
  const at = ORDER.findIndex((known) => known === group);
  if (at >= 0) return at;
  const day = DAYS.indexOf(group);
  return ORDER.length + (day >= 0 ? day : DAYS.length);
}

function into(groups: Map<string, Item[]>, group: string): Item[] {
  let rows = groups.get(group);
  if (!rows) groups.set(group, (rows = []));
  return rows;
}

/** Whether a job that has not ended is among those a filter shows; the history is filtered by the program itself. */
export function shows(filter: JobFilter, job: Job): boolean {
  const { row } = job;
  if (filter.states.length > 0 && !filter.states.includes(row.state)) return false;
  if (filter.kinds.length > 0 && !filter.kinds.includes(row.kind)) return false;
  if (filter.site !== null && row.source !== filter.site && row.target !== filter.site) return false;
  const words = filter.search.trim().toLowerCase();
  return !words || `${row.title} ${row.source ?? ''} ${row.target ?? ''}`.toLowerCase().includes(words);
}

/** One higher counts as two minutes of waiting, as the queue has it: for what was added since the window opened. */
const PRIORITY_MS = 120_000;

/** Where a job stands in line: the smaller the sooner. */
export function rank(job: Job): number {
  return Date.parse(job.row.created_at) - job.row.priority * PRIORITY_MS;
}
