/** A batch as one thing: how far it is, and how its jobs stand. */
import { count } from '../kit/format';
import { words } from '../words';
import { type Job, needsPerson } from './job.svelte';

export interface Tally {
  title: string;
  /** 0–100; jobs that ended count as done. */
  progress: number;
  ready: number;
  failed: number;
  cancelled: number;
  running: number;
  needYou: number;
  /** Jobs that have not ended. */
  open: number;
  findings: number;
}

export function tally(jobs: Job[]): Tally {
  const number = (is: (job: Job) => boolean) => jobs.filter(is).length;
  return {
    title: jobs[0]?.row.batch_title || words.batch.title(words.side.batchOf(jobs.length, count(jobs.length))),
    progress: jobs.reduce((sum, job) => sum + (job.ended ? 100 : job.progress), 0) / Math.max(1, jobs.length),
    ready: number((job) => job.row.state === 'completed'),
    failed: number((job) => job.row.state === 'failed'),
    cancelled: number((job) => job.row.state === 'cancelled'),
    running: number((job) => job.row.state === 'running'),
    needYou: number((job) => needsPerson(job.row)),
    open: number((job) => !job.ended),
    findings: jobs.reduce((sum, job) => sum + job.row.findings, 0),
  };
}

/** `2 of 5 done · 1 failed` and its like. */
export function standing(batch: Tally, size: number): string {
  const w = words.side;
  return [
    w.batchDone(count(batch.ready), count(size)),
    batch.failed ? w.batchFailed(count(batch.failed)) : '',
    batch.cancelled ? w.batchCancelled(count(batch.cancelled)) : '',
    batch.needYou ? w.batchNeedYou(batch.needYou, count(batch.needYou)) : '',
  ]
    .filter(Boolean)
    .join(' · ');
}
