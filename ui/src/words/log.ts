/** The log of a job. */
import { plural } from './common';

export const log = {
  label: 'Log',
  find: 'Find',
  findIn: 'Find in the log',
  following: 'Following',
  follow: 'Follow',
  copy: 'Copy the log',
  copied: (lines: string) => `${lines} lines copied`,
  copyTail: (lines: string) => `The last ${lines} lines were copied; open the file for all of it.`,
  open: 'Open as a file',
  next: 'Next match',
  previous: 'Previous match',
  line: (n: string) => `line ${n}`,
  noMatch: 'no match',
  searching: 'searching…',
  lines: (n: number, text: string) => plural(n, 'line', 'lines', text),
  empty: 'Nothing has been written yet.',
  warn: 'Warning:',
  error: 'Error:',
};
