/** A clone, or several in one go, as they are being put together: the copies, and what they have in common. */
import type { Backend } from '../backend/backend';
import { cloneSpec } from '../jobs/spec';
import { type Common, type Order, Wanted } from './wanted.svelte';

export class Draft {
  copies: Wanted[] = $state.raw([]);
  /** Which of several is unfolded. */
  current: Wanted = $state.raw()!;
  title = $state('');
  skip: string[] = $state([]);
  exclude: string[] = $state([]);
  off: string[] = $state([]);
  priority = $state(0);
  full = $state(false);
  replace = $state(false);
  unreadable = $state(false);
  guids = $state(false);
  openEgress = $state(false);

  constructor(readonly backend: Backend) {
    this.add();
  }

  get several(): boolean {
    return this.copies.length > 1;
  }

  get ready(): boolean {
    return this.copies.every((copy) => copy.ready);
  }

  /** The first site that is known; what can be chosen is told of it. */
  get first(): Wanted {
    return this.copies.find((copy) => copy.site) ?? this.copies[0] ?? this.current;
  }

  get planning(): boolean {
    return this.copies.some((copy) => copy.planning);
  }

  get blocked(): boolean {
    return this.planning || this.copies.some((copy) => !copy.plan || copy.planProblem || copy.plan.obstacles.length > 0);
  }

  get orders(): Order[] {
    return this.copies.map((copy) => copy.order);
  }

  private get common(): Common {
    return {
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

  /** One more copy; of a source, where that is said. */
  add(source = ''): void {
    const copy = new Wanted(
      this.backend,
      () => this.common,
      (own) => this.copies.filter((other) => other !== own).map((other) => other.target),
    );
    this.copies = [...this.copies, copy];
    this.current = copy;
    if (source) copy.look(source, true);
  }

  remove(copy: Wanted): void {
    const at = this.copies.indexOf(copy);
    this.copies = this.copies.filter((other) => other !== copy);
    if (this.current === copy) this.current = this.copies[Math.max(0, at - 1)] ?? this.copies[0] ?? copy;
  }

  /** What all have in common was changed. */
  replan(): void {
    this.copies.forEach((copy) => copy.replan());
  }

  async planNow(): Promise<void> {
    await Promise.all(this.copies.map((copy) => copy.planNow()));
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
    this.current.sourceDb = spec.source_db ?? '';
    this.current.sourceUrl = spec.source_url ?? '';
    if (job.source) this.current.look(job.source, true);
  }

  toggle(list: 'skip' | 'off', id: string): void {
    this[list] = this[list].includes(id) ? this[list].filter((other) => other !== id) : [...this[list], id];
    this.replan();
  }

  /** Leaves out what a pattern matches. */
  leaveOut(patterns: string[]): void {
    this.exclude = [...new Set([...this.exclude, ...patterns])];
    this.replan();
  }

  takeIn(patterns: string[]): void {
    this.exclude = this.exclude.filter((pattern) => !patterns.includes(pattern));
    this.replan();
  }
}
