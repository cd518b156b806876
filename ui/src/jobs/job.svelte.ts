import type { JobRow } from '../backend/wire/JobRow';
import type { Tick } from '../backend/wire/Tick';

/** How many samples of its throughput a job keeps, one a second. */
export const SAMPLES = 120;

/** A job as the window holds it: its row, and the newest progress since. Only what shows one of them is drawn again when it changes. */
export class Job {
  row: JobRow = $state.raw()!;
  /** The newest progress of each step at work: a step may work ahead of the one that the job has come to. */
  private ticks: Record<string, Tick> = $state.raw({});
  /** What the job as a whole had done by the newest of them. */
  private overall: number | null = $state.raw(null);
  /** Throughput of the last minutes, per unit. */
  rates: number[] = $state.raw([]);
  private sampledAt = 0;

  constructor(row: JobRow) {
    this.row = row;
  }

  get id(): string {
    return this.row.id;
  }

  get ended(): boolean {
    return hasEnded(this.row);
  }

  get progress(): number {
    return this.overall ?? this.row.progress;
  }

  /** The newest progress of the step that the job has come to. */
  get tick(): Tick | null {
    return this.tickOf(this.row.current_step);
  }

  /** The newest progress of a step. */
  tickOf(step: string | null): Tick | null {
    return (step !== null && this.ticks[step]) || null;
  }

  /** Takes a whole row; progress that was told before it no longer counts. */
  become(row: JobRow): void {
    if (row.state !== 'running' || row.current_step !== this.row.current_step) {
      this.ticks = {};
      this.overall = null;
    }
    if (row.current_step !== this.row.current_step) this.rates = [];
    this.row = row;
  }

  /** Takes progress; a sample of the rate is kept once a second. */
  move(tick: Tick, now: number): void {
    if (this.row.state !== 'running') return;
    this.ticks = { ...this.ticks, [tick.step]: tick };
    this.overall = tick.progress;
    if (tick.step !== this.row.current_step) return;
    if (now - this.sampledAt >= 1000) {
      this.sampledAt = now;
      this.rates = [...this.rates.slice(1 - SAMPLES), tick.rate];
    }
  }
}

export function hasEnded(row: Pick<JobRow, 'state'>): boolean {
  return row.state === 'completed' || row.state === 'failed' || row.state === 'cancelled';
}

/** Whether a job waits for something that only a person can do. */
export function needsPerson(row: Pick<JobRow, 'state' | 'waiting_for'>): boolean {
  return row.state === 'waiting' && (row.waiting_for?.needs_person ?? false);
}
