/** Limits of the programs of a job as they are typed: `512M`, `0.5`, `30m`, as on the command line. */
import { problemOf } from '../backend/backend';
import type { JobLimits } from '../backend/wire/JobLimits';
import type { Problem } from '../backend/wire/Problem';
import { limits as w } from '../words/limits';

export type Limit = keyof JobLimits;
export const LIMITS: Limit[] = ['memory', 'cpu_percent', 'deadline_seconds', 'stall_seconds'];

const SIZES: Record<string, number> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const TIMES: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** What was typed as the program takes it; `NaN` when it cannot be read. */
export function readLimit(limit: Limit, text: string): number {
  const [, digits = '', named = ''] = /^(\d*[.,]?\d+)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const number = digits ? Number(digits.replace(',', '.')) : NaN;
  const unit = named.toLowerCase();
  if (limit === 'cpu_percent') return unit ? NaN : Math.round(number * 100);
  if (limit === 'memory') return Math.floor(number * (SIZES[unit.replace(/i?b$/, '')] ?? NaN));
  return Math.ceil(number * (TIMES[unit] ?? NaN));
}

/** `48 h`, `90 min`, `45 s`: a time as one would type it. */
export function spell(seconds: number): string {
  const [size, unit] = seconds % 3600 === 0 ? [3600, 'h'] : seconds % 60 === 0 ? [60, 'min'] : [1, 's'];
  return `${seconds / size} ${unit}`;
}

/** `512M`, `2G`: a size as one would type it. */
export function spellSize(bytes: number): string {
  return bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30}G` : `${Math.round(bytes / 2 ** 20)}M`;
}

export class Limits {
  text: Record<Limit, string> = $state({ memory: '', cpu_percent: '', deadline_seconds: '', stall_seconds: '' });
  /** Fields that a person has been at: only those are told to be wrong before a launch was tried. */
  touched: Partial<Record<Limit, boolean>> = $state({});
  open = $state(false);
  /** How often a launch came to nothing for one of them. */
  refusals = $state(0);
  private problem: Problem | null = $state.raw(null);

  /** What was asked for, by name. */
  private readonly asked = $derived(
    LIMITS.filter((limit) => this.text[limit].trim()).map((limit): [Limit, number] => [
      limit,
      readLimit(limit, this.text[limit]),
    ]),
  );

  get set(): number {
    return this.asked.length;
  }

  /** Nothing when nothing was asked for. */
  get request(): JobLimits | null {
    return this.asked.length > 0 ? Object.fromEntries(this.asked) : null;
  }

  type(limit: Limit, text: string): void {
    this.text[limit] = text;
    if (this.problem?.context['field'] === limit) this.problem = null;
  }

  /** What is wrong with one, once it may be said. */
  wrong(limit: Limit): string {
    if (this.problem?.context['field'] === limit) return this.problem.message;
    const unread = this.asked.some(([name, value]) => name === limit && Number.isNaN(value));
    return unread && (this.touched[limit] || this.refusals > 0) ? w.unread[limit] : '';
  }

  /** Launches within them; nothing is launched, and the reason stands beside its field, when one of them makes no sense. */
  async launch(start: (limits: JobLimits | null) => Promise<string>): Promise<string | null> {
    if (this.asked.some(([, value]) => Number.isNaN(value))) return this.refuse(null);
    try {
      return await start(this.request);
    } catch (refused) {
      const problem = problemOf(refused);
      if (problem.code !== 'limits.range') throw refused;
      return this.refuse(problem);
    }
  }

  private refuse(problem: Problem | null): null {
    this.problem = problem;
    this.open = true;
    this.refusals += 1;
    return null;
  }
}
