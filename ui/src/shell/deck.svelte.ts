/** What the window shows and what a person does in it. One for the window; everything below gets it from the context. */
import { getContext, setContext } from 'svelte';
import { type Backend, type Leave, problemOf } from '../backend/backend';
import type { About } from '../backend/wire/About';
import type { JobFilter } from '../backend/wire/JobFilter';
import type { LaunchedBatch } from '../backend/wire/LaunchedBatch';
import type { JobView } from '../backend/wire/JobView';
import type { Offer } from '../backend/wire/Offer';
import type { Steer } from '../backend/wire/Steer';
import { can, type Verb } from '../jobs/actions';
import type { Item } from '../jobs/arrange';
import { Job } from '../jobs/job.svelte';
import { OpenJob } from '../jobs/open-job.svelte';
import { NO_FILTER, Queue } from '../jobs/queue.svelte';
import { homeOf, homely } from '../kit/format';
import { refuse } from '../kit/notes.svelte';

export type Screen = 'jobs' | 'sites' | 'previews' | 'settings';
export type Tab = 'steps' | 'log' | 'plan' | 'receipt' | 'details';
export type Asking =
  | { what: 'new-clone'; sources: string[]; like: string | null; byLink?: boolean }
  | { what: 'new-command'; site: string | null }
  | { what: 'new-build'; source: string | null }
  | { what: 'dropped'; path: string }
  | { what: 'palette' | 'keys' }
  | { what: 'cancel'; ids: string[] }
  | { what: 'lift' | 'delete'; id: string };

/** What a build unpacks. */
const ARCHIVE = /\.(zip|tar|tgz|tar\.gz|tar\.zst)$/i;

export class Deck {
  readonly queue: Queue;
  about: About | null = $state.raw(null);
  screen: Screen = $state('jobs');
  /** Keys of the chosen rows; the last one is where the keyboard stands. */
  chosen: string[] = $state.raw([]);
  asking: Asking | null = $state.raw(null);
  /** What is asked over everything else, so that it costs nobody a half-filled form. */
  leaving: Leave | null = $state(null);
  tab: Tab = $state('steps');
  drawer = $state(false);
  /** Whether the list can be narrowed. */
  filtering = $state(false);
  /** Counts up when the check of this machine is asked for. */
  doctor = $state(0);
  /** Counts up when the log is to be searched. */
  find = $state(0);
  open: OpenJob | null = $state.raw(null);
  /** A row that the list is to scroll to; a new object every time. */
  wanted: { key: string } | null = $state.raw(null);
  readonly home = $derived(this.about ? homeOf(this.about.data_dir) : '');
  private anchor: string | null = null;

  constructor(readonly backend: Backend) {
    this.queue = new Queue(backend);
    this.queue.onShow = (job) => this.show(job);
    this.queue.onOffer = (offer) => this.consider(offer);
    backend.onLeaveAsked((leave) => (this.leaving = leave));
  }

  async start(): Promise<void> {
    try {
      this.about = await this.backend.about();
    } catch (refused) {
      this.queue.opening = problemOf(refused);
      return;
    }
    await this.queue.open();
    const first = this.queue.items.find((item) => item.kind !== 'head');
    if (this.chosen.length === 0 && first) this.choose(first.key);
    // Two frames on, the jobs are on the screen; measured by `make bench-ui`.
    requestAnimationFrame(() => requestAnimationFrame(() => performance.mark('jobs-shown')));
  }

  /** Tries again to open a queue that could not be opened. */
  async again(): Promise<void> {
    await this.backend.openAgain().catch(() => undefined);
    await this.start();
  }

  path(path: string | null | undefined): string {
    return path ? homely(path, this.home) : '';
  }

  /** Jobs that are chosen, those of chosen batches included. */
  get jobs(): Job[] {
    const ids = new Set<string>();
    for (const key of this.chosen) {
      if (key.startsWith('batch:')) this.queue.batches.get(key.slice(6))?.forEach((job) => ids.add(job.id));
      else ids.add(key);
    }
    return [...ids].map((id) => this.queue.get(id)).filter((job): job is Job => job !== undefined);
  }

  get batch(): string | null {
    const [key] = this.chosen;
    return this.chosen.length === 1 && key?.startsWith('batch:') ? key.slice(6) : null;
  }

  /** Makes one row the chosen one. */
  choose(key: string): void {
    this.anchor = key;
    this.setChosen([key]);
    this.turn('jobs');
  }

  /** Makes a row the chosen one and scrolls to it. */
  bring(key: string): void {
    this.choose(key);
    this.wanted = { key };
  }

  /** Adds a row to the chosen ones, or takes it away. */
  toggle(key: string): void {
    this.anchor = key;
    this.setChosen(this.chosen.includes(key) ? this.chosen.filter((other) => other !== key) : [...this.chosen, key]);
  }

  /** Chooses everything between the row chosen first and this one. */
  extend(key: string): void {
    const rows = this.queue.items.filter((item) => item.kind !== 'head');
    const from = rows.findIndex((item) => item.key === this.anchor);
    const to = rows.findIndex((item) => item.key === key);
    if (from < 0 || to < 0) return this.choose(key);
    const between = rows.slice(Math.min(from, to), Math.max(from, to) + 1).map((item) => item.key);
    this.setChosen(from <= to ? between : between.reverse());
  }

  chooseAll(items: Item[]): void {
    this.setChosen(items.filter((item) => item.kind !== 'head').map((item) => item.key));
  }

  private setChosen(keys: string[]): void {
    this.chosen = keys;
    const [only] = keys;
    const id = keys.length === 1 && only && !only.startsWith('batch:') ? only : null;
    if (id === (this.open?.id ?? null)) return;
    const known = id ? this.queue.get(id) : undefined;
    this.open = id ? new OpenJob(this.backend, id, { seq: known?.row.seq ?? 0, step: known?.tick?.step }) : null;
    this.tellLooking();
    if (id && this.tab === 'receipt' && this.queue.get(id)?.row.state !== 'completed') this.tab = 'steps';
  }

  private turn(screen: Screen): void {
    if (screen === this.screen) return;
    this.screen = screen;
    this.tellLooking();
  }

  /** Says which job is in front of the person: its end needs no notification. */
  private tellLooking(): void {
    const id = this.screen === 'jobs' ? (this.open?.id ?? null) : null;
    void this.backend.setLooking(id).catch(() => undefined);
  }

  /** Brings a job up, wherever the window stands. */
  show(id: string): void {
    if (!this.asking?.what.startsWith('new-')) this.asking = null;
    this.drawer = false;
    this.bring(id);
  }

  newClone(source: string | null = null, like: string | null = null): void {
    this.asking = { what: 'new-clone', sources: source ? [source] : [], like };
  }

  /** Several sites in one go. */
  newClones(sources: string[]): void {
    this.asking = { what: 'new-clone', sources, like: null };
  }

  /** Something was handed over from outside: it is put before the person, and nothing more. */
  consider(offer: Offer): void {
    if (offer.refused) refuse(offer.refused);
    else if (offer.cancel) {
      this.show(offer.cancel);
      // What somebody is filling in is not thrown away for it.
      this.asking ??= { what: 'cancel', ids: [offer.cancel] };
    } else this.asking = { what: 'new-clone', sources: offer.source ? [offer.source] : [], like: null, byLink: offer.by_link };
  }

  newCommand(site: string | null = null): void {
    this.asking = { what: 'new-command', site };
  }

  newBuild(source: string | null = null): void {
    this.asking = { what: 'new-build', source };
  }

  /** Something was dropped on the window: it goes where one is choosing, else to what it is most likely for. */
  async dropped(path: string): Promise<void> {
    const asking = this.asking?.what;
    if (asking === 'new-command') return this.newCommand(path);
    if (asking === 'new-build' || ARCHIVE.test(path)) return this.newBuild(path);
    if (asking === 'new-clone') return this.newClone(path);
    try {
      const report = await this.backend.inspectBuild(path);
      if (report.archive) this.newBuild(path);
      else if (report.manager || report.can_build || report.lock) this.asking = { what: 'dropped', path };
      else this.newClone(path);
    } catch {
      // No project: a site, or something that the new clone can tell about.
      this.newClone(path);
    }
  }

  go(screen: Screen): void {
    this.turn(screen);
    this.drawer = false;
    this.asking = null;
  }

  filter(filter: JobFilter): void {
    void this.queue.narrow(filter);
  }

  /** Shows the jobs that had to do with a site, and nothing else. */
  jobsOf(site: string): void {
    this.filtering = true;
    this.filter({ ...NO_FILTER, site });
    this.turn('jobs');
  }

  /** Shows everything again. */
  unfilter(): void {
    this.filtering = false;
    if (this.queue.filtered) this.filter(NO_FILTER);
  }

  /** Steers every chosen job, or the given ones, that can be steered so. */
  async steer(verb: Verb, jobs: Job[] = this.jobs): Promise<void> {
    const able = jobs.filter((job) => can(verb, job.row));
    if (able.length === 0) return;
    if (verb === 'cancel') {
      this.asking = { what: 'cancel', ids: able.map((job) => job.id) };
      return;
    }
    if (verb === 'up' || verb === 'down') {
      const step = verb === 'up' ? 1 : -1;
      for (const [priority, group] of byPriority(able))
        await this.send(
          group.map((job) => job.id),
          { do: 'priority', to: priority + step },
        );
      return;
    }
    await this.send(
      able.map((job) => job.id),
      { do: verb },
    );
  }

  async send(ids: string[], action: Steer): Promise<void> {
    try {
      const refused = await this.backend.steer(ids, action);
      refused.forEach(refuse);
    } catch (thrown) {
      refuse(thrown);
    }
  }

  /** Pauses what runs, resumes what is paused. */
  async pauseOrResume(): Promise<void> {
    const { jobs } = this;
    await this.steer(jobs.some((job) => job.row.state === 'paused') ? 'resume' : 'pause', jobs);
  }

  async toggleQueue(): Promise<void> {
    await this.attempt(() => (this.queue.status?.paused ? this.backend.resumeQueue() : this.backend.pauseQueue()));
  }

  async demo(): Promise<void> {
    await this.attempt(async () => this.launched(await this.backend.launchDemo()));
  }

  /** Puts a job that was just launched into the list and brings it up. */
  async launched(id: string): Promise<void> {
    await this.take([id]);
    this.bring(id);
  }

  /** The same for the jobs of a batch. */
  async launchedBatch({ batch, jobs }: LaunchedBatch): Promise<void> {
    await this.take(jobs);
    this.bring(`batch:${batch}`);
  }

  private async take(ids: string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.queue.get(id));
    const views = await Promise.all(unknown.map((id) => this.backend.job(id)));
    this.queue.add(views.map(rowOf));
    if (this.about) this.about = { ...this.about, first_start: false };
  }

  /** Does something and shows why it was refused, if it was. */
  async attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (thrown) {
      refuse(thrown);
      return false;
    }
  }
}

function byPriority(jobs: Job[]): Map<number, Job[]> {
  const groups = new Map<number, Job[]>();
  for (const job of jobs) groups.set(job.row.priority, [...(groups.get(job.row.priority) ?? []), job]);
  return groups;
}

/** The row of a job that is known whole. */
export function rowOf(view: JobView): Job['row'] {
  const step = view.steps.find((candidate) => candidate.name === view.current_step);
  const { id, kind, title, source, target, state, priority, progress, current_step, eta_seconds, waiting_for, error } = view;
  const { created_at, started_at, finished_at, active_ms, resumed, batch, batch_title, seq } = view;
  return {
    ...{ id, kind, title, source, target, state, priority, progress, current_step, eta_seconds, waiting_for, error },
    ...{ created_at, started_at, finished_at, active_ms, resumed, batch, batch_title, seq },
    current_title: step?.title ?? null,
    message: step?.message ?? '',
    findings: view.result?.findings ?? 0,
  };
}

const KEY = Symbol('deck');

export function setDeck(deck: Deck): Deck {
  return setContext(KEY, deck);
}

export function getDeck(): Deck {
  return getContext<Deck>(KEY);
}
