/** How much the programs of a job may take. */
import type { JobLimits } from '../backend/wire/JobLimits';

type Words = Record<keyof JobLimits, string>;

export const limits = {
  title: 'Limits',
  set: (n: number) => `${n} set`,
  of: 'Of each program that is run. A field that is left empty is as usual.',
  names: {
    memory: 'Memory',
    cpu_percent: 'Processors',
    deadline_seconds: 'Time at work',
    stall_seconds: 'Alarm when silent',
  } as Words,
  hints: {
    memory: 'Such as 512M or 2G. Over it, the program is ended.',
    cpu_percent: 'Such as 0.5 or 2. Over it, the program is slowed down.',
    deadline_seconds: 'Such as 30m or 48h. After it, the program is ended.',
    stall_seconds: 'Such as 90s or 10m. After it, you are told; nothing is ended.',
  } as Words,
  unread: {
    memory: 'A size is a number with M or G, such as 512M.',
    cpu_percent: 'A number, such as 0.5.',
    deadline_seconds: 'A time is a number with s, m, h or d, such as 30m.',
    stall_seconds: 'A time is a number with s, m, h or d, such as 30m.',
  } as Words,
  none: 'no limit',
  kept: {
    memory: (size: string) => `memory ${size}`,
    cpu: (n: string) => `processors ${n}`,
    deadline: (time: string) => `${time} at work`,
    stall: (time: string) => `told after ${time} of silence`,
  },
  /** In a workflow. */
  own: 'as each command has it',
};
