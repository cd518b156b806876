/** The job on the right: loaded whole, loaded again when it changed, and moved on by progress in between. */
import { type Backend, problemOf } from '../backend/backend';
import type { JobView } from '../backend/wire/JobView';
import type { Problem } from '../backend/wire/Problem';
import type { StepView } from '../backend/wire/StepView';
import type { Tick } from '../backend/wire/Tick';

/** At most four times a second, however fast the job changes. */
const PAUSE_MS = 250;

export class OpenJob {
  view: JobView | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  private seq = 0;
  private step: string | undefined;
  private loading = false;
  private again = false;

  constructor(
    private readonly backend: Backend,
    readonly id: string,
    known?: { seq: number; step: string | undefined },
  ) {
    void this.load(known);
  }

  /** Loads the job as the list has it by now, or once more when it is being loaded already. */
  async load(known?: { seq: number; step: string | undefined }): Promise<void> {
    if (known) {
      this.seq = Math.max(this.seq, known.seq);
      this.step = known.step;
    }
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = true;
    try {
      this.view = await this.backend.job(this.id);
      this.problem = null;
    } catch (refused) {
      this.problem = problemOf(refused);
    }
    setTimeout(() => {
      this.loading = false;
      if (!this.again) return;
      this.again = false;
      void this.load();
    }, PAUSE_MS);
  }

  /** Whether the list knows of a change, or of another step at work, that this was not loaded for. */
  isBehind(seq: number, step: string | undefined): boolean {
    return seq > this.seq || (step !== undefined && step !== this.step && step !== this.view?.current_step);
  }
}

/** A step with the newest progress in it; `others` is the time that the job's other steps took. */
export function withTick(step: StepView, tick: Tick | null, others: number): StepView {
  if (!tick || tick.step !== step.name || step.state === 'completed') return step;
  return {
    ...step,
    state: 'running',
    progress: tick.step_progress,
    done: tick.done,
    total: tick.total,
    unit: tick.unit,
    rate: tick.rate,
    message: tick.message || step.message,
    active_ms: Math.max(step.active_ms, tick.active_ms - others),
  };
}
