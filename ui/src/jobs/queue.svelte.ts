/** The queue as the window knows it: a snapshot, and everything that has happened since. */
import { type Backend, problemOf } from '../backend/backend';
import type { JobFilter } from '../backend/wire/JobFilter';
import type { JobRow } from '../backend/wire/JobRow';
import type { Offer } from '../backend/wire/Offer';
import type { Problem } from '../backend/wire/Problem';
import type { QueueStatus } from '../backend/wire/QueueStatus';
import type { Snapshot } from '../backend/wire/Snapshot';
import type { Update } from '../backend/wire/Update';
import { arrange, type Item, rank, shows } from './arrange';
import { Job } from './job.svelte';

const PAGE = 100;
const ENDED = ['completed', 'failed', 'cancelled'] as const;
export const NO_FILTER: JobFilter = { states: [], kinds: [], search: '', site: null, batch: null };

export class Queue {
  opening: 'opening' | 'open' | Problem = $state.raw('opening');
  active: Job[] = $state.raw([]);
  history: Job[] = $state.raw([]);
  status: QueueStatus | null = $state.raw(null);
  unread = $state(0);
  filter: JobFilter = $state.raw(NO_FILTER);
  /** Whether older jobs are being loaded, or that could not be done. */
  older: 'more' | 'loading' | 'end' | Problem = $state.raw('end');
  batches: Map<string, Job[]> = $state.raw(new Map());
  opened: Set<string> = $state.raw(new Set());
  /** The day, so that headings move on at midnight. */
  today = $state(Date.now());
  readonly items: Item[] = $derived(
    arrange(
      this.filtered ? this.active.filter((job) => shows(this.filter, job)) : this.active,
      this.history,
      this.batches,
      this.opened,
      this.today,
    ),
  );

  /** Called when something outside asks for a job, or hands over a folder. */
  onShow: (job: string) => void = () => {};
  onOffer: (offer: Offer) => void = () => {};

  private readonly jobs = new Map<string, Job>();
  private next: string | null = null;
  private seq = 0;
  private asked = 0;

  constructor(private readonly backend: Backend) {}

  get filtered(): boolean {
    const { states, kinds, search, site } = this.filter;
    return states.length > 0 || kinds.length > 0 || search.trim() !== '' || site !== null;
  }

  get total(): number {
    return this.active.length + this.history.length;
  }

  get(id: string): Job | undefined {
    return this.jobs.get(id);
  }

  async open(): Promise<void> {
    this.opening = 'opening';
    try {
      const snapshot = await this.backend.snapshot();
      this.begin(snapshot);
      await this.backend.follow((update) => this.apply(update), snapshot.seq);
      this.opening = 'open';
    } catch (refused) {
      this.opening = problemOf(refused);
    }
  }

  begin(snapshot: Snapshot): void {
    this.seq = snapshot.seq;
    this.status = snapshot.queue;
    this.unread = snapshot.unread;
    const sure = (row: JobRow): JobRow => ({ ...row, seq: Math.max(row.seq, snapshot.seq) });
    this.active = snapshot.active.map((row) => this.know(sure(row)));
    const ended = snapshot.history.jobs.map(sure);
    ended.forEach((row) => this.know(row));
    if (this.filtered) void this.narrow(this.filter);
    else this.setHistory(ended, snapshot.history.next);
    this.gather();
  }

  apply(update: Update): void {
    this.seq = Math.max(this.seq, update.seq);
    if (update.resync) void this.backend.snapshot().then((snapshot) => this.begin(snapshot));
    const now = performance.now();
    for (const tick of update.ticks) this.jobs.get(tick.job)?.move(tick, now);
    if (update.changed.length || update.removed.length) this.change(update.changed, update.removed);
    if (update.queue) this.status = update.queue;
    if (update.unread !== null) this.unread = update.unread;
    if (update.show) this.onShow(update.show);
    if (update.offer) this.onOffer(update.offer);
  }

  private change(changed: JobRow[], removed: string[]): void {
    let moved = removed.length > 0;
    for (const row of changed) {
      const known = this.jobs.get(row.id);
      if (known && known.row.seq > row.seq) continue;
      moved ||=
        !known ||
        known.row.state !== row.state ||
        known.row.priority !== row.priority ||
        known.row.waiting_for?.code !== row.waiting_for?.code;
      this.know(row);
    }
    removed.forEach((id) => this.jobs.delete(id));
    if (moved)
      this.sort(
        changed.map((row) => row.id),
        new Set(removed),
      );
  }

  /** Puts changed jobs where they belong; what stays keeps its place, for the order of the line is the program's. */
  private sort(touched: string[], gone: Set<string>): void {
    const ids = new Set(touched);
    const moved = touched.map((id) => this.jobs.get(id)).filter((job): job is Job => job !== undefined);
    const active = this.active.filter((job) => !ids.has(job.id) && !gone.has(job.id));
    for (const job of moved.filter((candidate) => !candidate.ended)) {
      const at = active.findIndex((other) => other.row.state === job.row.state && rank(other) > rank(job));
      active.splice(at < 0 ? active.length : at, 0, job);
    }
    this.active = active;
    const ended = moved.filter((job) => job.ended && (!this.filtered || shows(this.filter, job)));
    if (ended.length || gone.size || this.history.some((job) => ids.has(job.id))) {
      const rest = this.history.filter((job) => !ids.has(job.id) && !gone.has(job.id));
      this.history = [...ended.sort((a, b) => (b.row.finished_at ?? '').localeCompare(a.row.finished_at ?? '')), ...rest];
    }
    this.gather();
  }

  /** The job for a row, made or brought up to date. */
  know(row: JobRow): Job {
    const known = this.jobs.get(row.id);
    if (known) {
      if (row.seq >= known.row.seq) known.become(row);
      return known;
    }
    const job = new Job(row);
    this.jobs.set(row.id, job);
    return job;
  }

  /** Adds jobs that were launched here, before their update has come. */
  add(rows: JobRow[]): void {
    const fresh = rows.filter((row) => !this.jobs.has(row.id));
    if (fresh.length > 0) this.change(fresh, []);
  }

  async narrow(filter: JobFilter): Promise<void> {
    this.filter = filter;
    this.next = null;
    this.history = [];
    this.older = 'more';
    await this.loadOlder();
  }

  /** Loads the next page of the history, by key. */
  async loadOlder(): Promise<void> {
    if (this.older !== 'more' && typeof this.older === 'string') return;
    const asked = (this.asked += 1);
    this.older = 'loading';
    const wanted = this.filter.states.filter(isEnded);
    if (this.filter.states.length > 0 && wanted.length === 0) {
      this.older = 'end';
      return;
    }
    try {
      const page = await this.backend.jobsPage({ ...this.filter, states: wanted.length ? wanted : [...ENDED] }, this.next, PAGE);
      if (asked !== this.asked) return;
      const known = new Set(this.history.map((job) => job.id));
      const fresh = page.jobs.filter((row) => !known.has(row.id)).map((row) => this.know(row));
      this.setHistory([...this.history.map((job) => job.row), ...fresh.map((job) => job.row)], page.next);
    } catch (refused) {
      if (asked === this.asked) this.older = problemOf(refused);
    }
  }

  private setHistory(rows: JobRow[], next: string | null): void {
    this.history = rows.map((row) => this.know(row)).filter((job) => job.ended);
    this.next = next;
    this.older = next === null ? 'end' : 'more';
    this.gather();
  }

  /** Who belongs to which batch. Members that ended long ago are asked for once. */
  private gather(): void {
    const batches = new Map<string, Job[]>();
    for (const job of this.jobs.values()) {
      if (!job.row.batch) continue;
      const members = batches.get(job.row.batch);
      if (members) members.push(job);
      else batches.set(job.row.batch, [job]);
    }
    if (batches.size === 0 && this.batches.size === 0) return;
    for (const members of batches.values())
      members.sort((a, b) => a.row.created_at.localeCompare(b.row.created_at) || a.id.localeCompare(b.id));
    const unknown = [...batches.keys()].filter((batch) => !this.batches.has(batch));
    this.batches = batches;
    for (const batch of unknown) {
      void this.backend
        .jobsPage({ ...NO_FILTER, batch }, null, 500)
        .then((page) => {
          page.jobs.filter((row) => row.batch === batch).forEach((row) => this.know(row));
          this.gather();
        })
        .catch(() => undefined);
    }
  }

  toggle(batch: string): void {
    const opened = new Set(this.opened);
    if (!opened.delete(batch)) opened.add(batch);
    this.opened = opened;
  }
}

function isEnded(state: string): state is (typeof ENDED)[number] {
  return (ENDED as readonly string[]).includes(state);
}
