/** Limits as the program takes them, or refuses them. */
import type { JobLimits } from '../wire/JobLimits';
import { problem } from './make';

const YEAR = 365 * 24 * 3600;

/** What of them the job keeps. */
export function bounded(limits: JobLimits | null): Record<string, number | null> {
  const { memory = null, cpu_percent = null, deadline_seconds = null, stall_seconds = null } = limits ?? {};
  const refuse = (field: string, what: string, range: string) =>
    problem('limits.range', `${what} must be ${range}.`, '', { field }, false);
  if (memory !== null && memory < 16 * 2 ** 20) throw refuse('memory', 'The limit of memory', '16 MB or more');
  if (cpu_percent !== null && (cpu_percent < 5 || cpu_percent > 100_000))
    throw refuse('cpu_percent', 'The limit of processors', 'from 0.05 to 1000 of them');
  for (const [field, what, seconds] of [
    ['deadline_seconds', 'The deadline', deadline_seconds],
    ['stall_seconds', 'The time until a silent program raises an alarm', stall_seconds],
  ] as const)
    if (seconds !== null && (seconds < 1 || seconds > YEAR)) throw refuse(field, what, 'from a second to a year');
  return { memory, cpu: cpu_percent === null ? null : cpu_percent / 100, deadline_seconds, stall_seconds };
}
