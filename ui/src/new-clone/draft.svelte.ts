/** A clone as it is being put together: what was found out, what was chosen, and the plan that follows from both. */
import { type Backend, problemOf } from '../backend/backend';
import type { ClonePlan } from '../backend/wire/ClonePlan';
import type { CloneRequest } from '../backend/wire/CloneRequest';
import type { Problem } from '../backend/wire/Problem';
import type { SiteReport } from '../backend/wire/SiteReport';
import { cloneSpec } from '../jobs/spec';

/** Long enough for somebody who types, short enough not to be felt. */
const PAUSE_MS = 250;

export class Draft {
  source = $state('');
  target = $state('');
  url = $state('');
  db = $state('');
  skip: string[] = $state([]);
  exclude: string[] = $state([]);
  off: string[] = $state([]);
  priority = $state(0);
  full = $state(false);
  replace = $state(false);
  unreadable = $state(false);
  guids = $state(false);
  openEgress = $state(false);

  site: SiteReport | null = $state.raw(null);
  sourceProblem: Problem | null = $state.raw(null);
  looking = $state(false);
  /** A link named the source, and nobody has looked at it yet. */
  proposed = $state(false);
  plan: ClonePlan | null = $state.raw(null);
  planProblem: Problem | null = $state.raw(null);
  planning = $state(false);

  private looked = 0;
  private planned = 0;
  private lookTimer: ReturnType<typeof setTimeout> | undefined;
  private planTimer: ReturnType<typeof setTimeout> | undefined;
  /** What was filled in and may be filled in anew; what a person typed stays. */
  private filled = { target: '', db: '' };

  constructor(private readonly backend: Backend) {}

  get ready(): boolean {
    return this.site !== null && this.target.trim() !== '';
  }

  get request(): CloneRequest {
    return {
      source: this.site?.path ?? this.source.trim(),
      target: this.target.trim(),
      url: this.url.trim() || null,
      db: this.db.trim() || null,
      source_db: null,
      source_url: null,
      skip: [...this.skip],
      exclude: [...this.exclude],
      replace: this.replace,
      keep_guids: this.guids,
      open_egress: this.openEgress || this.off.includes('egress'),
      neutralise_off: [...this.off],
      allow_unreadable: this.unreadable,
      verify: this.full ? 'full' : 'sampled',
      priority: this.priority,
    };
  }

  /** A link names a source: it is shown, and not looked at. */
  propose(source: string): void {
    this.look('');
    this.source = source;
    this.proposed = true;
  }

  /** The source was typed, picked or dropped: look what is there. */
  look(source: string, now = false): void {
    this.source = source;
    this.proposed = false;
    this.site = null;
    this.sourceProblem = null;
    this.plan = null;
    clearTimeout(this.lookTimer);
    const path = source.trim();
    const asked = (this.looked += 1);
    this.looking = path !== '';
    if (path) this.lookTimer = setTimeout(() => void this.inspect(path, asked), now ? 0 : PAUSE_MS);
  }

  private async inspect(path: string, asked: number): Promise<void> {
    try {
      const [site, defaults] = await Promise.all([this.backend.inspect(path), this.backend.cloneDefaults(path)]);
      if (asked !== this.looked) return;
      this.site = site;
      if (!this.target || this.target === this.filled.target) this.target = defaults.target;
      if (!this.db || this.db === this.filled.db) this.db = defaults.db ?? '';
      this.filled = { target: defaults.target, db: defaults.db ?? '' };
      this.replan();
    } catch (refused) {
      if (asked === this.looked) this.sourceProblem = problemOf(refused);
    } finally {
      if (asked === this.looked) this.looking = false;
    }
  }

  /** Something was changed: the plan follows. */
  replan(): void {
    clearTimeout(this.planTimer);
    if (!this.ready) return;
    const asked = (this.planned += 1);
    this.planning = true;
    this.planTimer = setTimeout(() => void this.askPlan(asked), PAUSE_MS);
  }

  /** Works the plan out at once. */
  async planNow(): Promise<void> {
    clearTimeout(this.planTimer);
    this.planning = true;
    await this.askPlan((this.planned += 1));
  }

  private async askPlan(asked: number): Promise<void> {
    try {
      const plan = await this.backend.planClone(this.request);
      if (asked !== this.planned) return;
      this.plan = plan;
      this.planProblem = null;
    } catch (refused) {
      if (asked === this.planned) this.planProblem = problemOf(refused);
    } finally {
      if (asked === this.planned) this.planning = false;
    }
  }

  /** Begins as another job was asked for; its target is taken by now, so that is found anew. */
  async like(id: string): Promise<void> {
    const job = await this.backend.job(id);
    const spec = cloneSpec(job.spec);
    this.skip = spec.skip;
    this.exclude = spec.exclude;
    this.off = spec.neutralise_off;
    this.full = spec.full;
    this.unreadable = spec.allow_unreadable;
    this.guids = spec.keep_guids;
    this.openEgress = spec.open_egress;
    this.priority = job.priority;
    if (job.source) this.look(job.source, true);
  }

  toggle(list: 'skip' | 'off', id: string): void {
    this[list] = this[list].includes(id) ? this[list].filter((other) => other !== id) : [...this[list], id];
    this.replan();
  }
}
