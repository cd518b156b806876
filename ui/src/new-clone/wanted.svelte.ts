/** One copy as it is being put together: its source as it was recognised, where it goes, and the plan that follows. */
import { type Backend, problemOf } from '../backend/backend';
import type { ClonePasswords } from '../backend/wire/ClonePasswords';
import type { ClonePlan } from '../backend/wire/ClonePlan';
import type { CloneRequest } from '../backend/wire/CloneRequest';
import type { Problem } from '../backend/wire/Problem';
import type { SiteReport } from '../backend/wire/SiteReport';
import { baseName, host } from '../kit/format';

/** Long enough for somebody who types, short enough not to be felt. */
const PAUSE_MS = 250;

/** What all copies of a dialog have in common. */
export type Common = Omit<CloneRequest, 'source' | 'target' | 'url' | 'db' | 'source_db' | 'source_url'>;

/** What is asked for, and the passwords that go with it. */
export type Order = [CloneRequest, ClonePasswords];

let made = 0;

export class Wanted {
  readonly key = (made += 1);
  source = $state('');
  target = $state('');
  url = $state('');
  db = $state('');
  sourceDb = $state('');
  sourceUrl = $state('');
  /** Passwords live as long as the dialog and are kept nowhere else in the page. */
  password = $state('');
  sourcePassword = $state('');

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

  constructor(
    private readonly backend: Backend,
    private readonly common: () => Common,
    /** Folders that other copies go to. */
    private readonly taken: (own: Wanted) => string[],
  ) {}

  get ready(): boolean {
    return this.site !== null && this.target.trim() !== '';
  }

  /** The site as people call it. */
  get name(): string {
    const [address] = this.site?.addresses ?? [];
    return address ? host(address) : baseName(this.source);
  }

  /** Whether the site does not say by itself where its database is, or what its address. */
  get needsMore(): boolean {
    if (this.sourceProblem) return /^(database|db|config|site\.config)/.test(this.sourceProblem.code);
    const { site } = this;
    return site?.platform === 'wordpress' && (site.database === null || site.addresses.length === 0);
  }

  get request(): CloneRequest {
    return {
      ...this.common(),
      source: this.site?.path ?? this.source.trim(),
      target: this.target.trim(),
      url: this.url.trim() || null,
      db: this.db.trim() || null,
      source_db: this.sourceDb.trim() || null,
      source_url: this.sourceUrl.trim() || null,
    };
  }

  get passwords(): ClonePasswords {
    return { copy: this.password || null, source: this.sourcePassword || null };
  }

  get order(): Order {
    return [this.request, this.passwords];
  }

  /** A link names a source: it is shown, and not looked at. */
  propose(source: string): void {
    this.look('');
    this.source = source;
    this.proposed = true;
  }

  /** The source was typed, picked or dropped, or more was said of it: look what is there. */
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
      const [site, defaults] = await Promise.all([this.backend.inspect(...this.order), this.backend.cloneDefaults(path)]);
      if (asked !== this.looked) return;
      this.site = site;
      const target = this.free(defaults.target);
      if (!this.target || this.target === this.filled.target) this.target = target;
      if (!this.db || this.db === this.filled.db) this.db = defaults.db ?? '';
      this.filled = { target, db: defaults.db ?? '' };
      this.replan();
    } catch (refused) {
      if (asked === this.looked) this.sourceProblem = problemOf(refused);
    } finally {
      if (asked === this.looked) this.looking = false;
    }
  }

  /** A folder that no other copy goes to. */
  private free(target: string): string {
    const taken = this.taken(this);
    if (!taken.includes(target)) return target;
    const stem = target.replace(/-\d+$/, '');
    for (let number = 2; ; number += 1) if (!taken.includes(`${stem}-${number}`)) return `${stem}-${number}`;
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
      const plan = await this.backend.planClone(...this.order);
      if (asked !== this.planned) return;
      this.plan = plan;
      this.planProblem = null;
    } catch (refused) {
      if (asked === this.planned) this.planProblem = problemOf(refused);
    } finally {
      if (asked === this.planned) this.planning = false;
    }
  }
}
