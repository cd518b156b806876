/** Simulated work: time passes, steps move on, one message at a time says what changed. */
import type { JobView } from '../wire/JobView';
import type { Problem } from '../wire/Problem';
import type { QueueStatus } from '../wire/QueueStatus';
import type { Steer } from '../wire/Steer';
import type { Tick } from '../wire/Tick';
import type { Update } from '../wire/Update';
import { problem, row } from './make';
import type { Scene } from './scenes';
import { resultOf, saysAt, stepsOf } from './others';
import { progressOf, stepsAt } from './steps';

export class Simulation {
  readonly jobs = new Map<string, JobView>();
  seq = 1;
  visible = true;
  listener: ((update: Update) => void) | null = null;
  private paused: boolean;
  private readonly logs = new Map<string, number>();
  private steps = 0;

  constructor(
    private readonly scene: Scene,
    private readonly begun: number,
  ) {
    this.paused = scene.paused ?? false;
    for (const one of [...scene.active, ...scene.ended]) this.jobs.set(one.id, one);
  }

  send(part: Partial<Update>): void {
    this.seq += 1;
    const nothing: Update = {
      seq: this.seq,
      changed: [],
      removed: [],
      ticks: [],
      queue: null,
      unread: null,
      show: null,
      offer: null,
      resync: false,
    };
    this.listener?.({ ...nothing, ...part });
  }

  add(job: JobView): void {
    this.jobs.set(job.id, job);
    this.changed(job);
  }

  lines(id: string, job: JobView): number {
    const grown = this.logs.get(id);
    if (grown !== undefined) return grown;
    const lines = job.state === 'running' ? (this.scene.lines ?? 21) : job.state === 'queued' ? 0 : 14;
    this.logs.set(id, lines);
    return lines;
  }

  status(slots: number): QueueStatus {
    const all = [...this.jobs.values()];
    const of = (state: string) => all.filter((job) => job.state === state).length;
    const wave = Math.sin(this.steps / 40);
    return {
      paused: this.paused,
      slots,
      running: of('running'),
      queued: of('queued'),
      waiting: of('waiting'),
      held: of('paused'),
      cpu_percent: of('running') ? 61 + 9 * wave : 3,
      memory_used: 3_100_000_000 + 90_000_000 * wave,
      memory_total: 24_000_000_000,
      trouble: this.scene.trouble ?? null,
      runner: this.scene.runner ?? null,
    };
  }

  hold(paused: boolean, slots: number): void {
    this.paused = paused;
    this.send({ queue: this.status(slots) });
  }

  /** Lets time pass for everything that runs, and says so. */
  pass(seconds: number): void {
    this.steps += 1;
    const ticks: Tick[] = [];
    for (const job of this.jobs.values()) {
      if (job.state !== 'running') continue;
      const index = job.steps.findIndex((step) => step.name === job.current_step);
      const step = job.steps[index];
      const kinds = stepsOf(job);
      const kind = kinds[index];
      if (!step || !kind) continue;
      const pace = 1 + 0.3 * Math.sin(this.steps / 9 + index);
      const share = Math.min(1, step.progress / 100 + (seconds * pace) / Math.max(kind.takes, 0.3));
      step.progress = share * 100;
      step.done = Math.floor(kind.total * share);
      step.rate = kind.total ? (kind.total / kind.takes) * pace : 0;
      step.message = saysAt(job, step, share);
      step.active_ms += seconds * 1000;
      job.active_ms += seconds * 1000;
      job.progress = progressOf(job.steps, kinds);
      if (this.steps % 4 === 0) this.logs.set(job.id, this.lines(job.id, job) + 1);
      const left = kinds.slice(index).reduce((sum, one) => sum + one.takes, 0) - kind.takes * share;
      job.eta_seconds = { low: left * 0.9, high: left * 1.4 + 5 };
      if (share >= 1) {
        this.endStep(job, index);
        continue;
      }
      ticks.push({
        job: job.id,
        progress: job.progress,
        step: step.name,
        step_progress: step.progress,
        done: step.done,
        total: step.total,
        unit: step.unit,
        rate: step.rate,
        message: step.message,
        eta_seconds: job.eta_seconds,
        active_ms: job.active_ms,
        log_lines: this.lines(job.id, job),
      });
    }
    const queue = this.steps % 10 === 0 ? this.status(4) : null;
    if (this.visible && (ticks.length || queue)) this.send({ ticks, queue });
  }

  private endStep(job: JobView, index: number): void {
    const now = Date.now();
    const ended = job.steps[index];
    const kind = stepsOf(job)[index];
    if (!ended || !kind) return;
    Object.assign(ended, {
      state: 'completed',
      progress: 100,
      done: kind.total,
      rate: 0,
      message: kind.done,
      finished_at: new Date(now).toISOString(),
    });
    const following = job.steps[index + 1];
    if (following) {
      Object.assign(following, { state: 'running', attempts: 1, started_at: new Date(now).toISOString() });
      job.current_step = following.name;
    } else {
      Object.assign(job, {
        state: 'completed',
        current_step: null,
        progress: 100,
        eta_seconds: null,
        finished_at: new Date(now).toISOString(),
      });
      job.result = resultOf(job);
    }
    this.changed(job);
  }

  steer(id: string, action: Steer): Problem[] {
    const job = this.jobs.get(id);
    if (!job) return [problem('job-unknown', 'The job is gone.', '', {}, false)];
    const step =
      job.steps.find((candidate) => candidate.name === job.current_step) ??
      job.steps.find((candidate) => candidate.state === 'failed');
    const cannot = (verb: string) => [
      problem('illegal-move', `${job.title} is ${job.state} and cannot be ${verb}.`, '', {}, false),
    ];
    switch (action.do) {
      case 'pause':
        if (job.finished_at || job.state === 'paused') return cannot('paused');
        job.state = 'paused';
        if (step) Object.assign(step, { state: 'waiting', rate: 0 });
        break;
      case 'resume':
        if (job.state !== 'paused') return cannot('resumed');
        job.state = 'running';
        Object.assign(job, { current_step: step?.name ?? job.steps[0]?.name ?? null });
        if (step) step.state = 'running';
        break;
      case 'cancel':
        if (job.finished_at) return cannot('cancelled');
        Object.assign(job, { state: 'cancelled', current_step: null, waiting_for: null, finished_at: new Date().toISOString() });
        if (step) step.state = 'undone';
        break;
      case 'retry':
        if (job.state !== 'failed' && job.state !== 'waiting') return cannot('retried');
        Object.assign(job, {
          state: 'running',
          error: null,
          waiting_for: null,
          finished_at: null,
          current_step: step?.name ?? null,
        });
        if (step) Object.assign(step, { state: 'running', error: null, attempts: step.attempts + 1 });
        break;
      case 'retry-from-start':
        Object.assign(job, {
          state: 'running',
          error: null,
          waiting_for: null,
          finished_at: null,
          progress: 0,
          current_step: job.steps[0]?.name ?? null,
          steps: stepsAt(0, 0, this.begun, [], stepsOf(job)),
        });
        break;
      case 'priority':
        job.priority = action.to;
        break;
    }
    this.changed(job);
    return [];
  }

  private changed(job: JobView): void {
    job.seq = this.seq + 1;
    this.send({ changed: [structuredClone(row(job))], queue: this.status(4) });
  }
}
