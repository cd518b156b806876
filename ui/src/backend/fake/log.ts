/** A log made from line numbers: any length, no memory. */
import type { LogLine } from '../wire/LogLine';
import { plain } from '../../kit/ansi';

const OPENING: [string, string, string][] = [
  ['attach-platform', 'info', 'WordPress 6.8, one site, 12 tables with prefix wp_'],
  ['plan', 'info', '22,639 files, 1.7 GB; 12 tables, about 1,578,319 rows'],
  ['plan', 'info', 'wp-content/cache/** left out: 1,214 files, 81 MB'],
  ['prepare-target', 'info', 'made the folder, checked that nothing is in it'],
  ['copy-core', 'info', '2,521 files, 56 MB, all sizes match the index'],
  ['copy-modules', 'info', '7,904 files, 91 MB, all sizes match the index'],
  ['copy-themes', 'info', '612 files, 14.2 MB, all sizes match the index'],
  ['copy-database', 'info', 'same server: copying inside it, 2 connections'],
  ['copy-database', 'info', 'snapshot open, the source keeps serving'],
  ['copy-database', 'out', '\x1b[32mwp_posts            150,000 rows   4.1 s   done\x1b[0m'],
  ['copy-database', 'out', 'wp_options            1,214 rows   0.1 s   done'],
  ['copy-database', 'out', 'wp_comments         200,000 rows   3.0 s   done'],
  ['copy-database', 'warn', 'wp_legacy: no primary key, copied in one range'],
  ['copy-database', 'info', 'wp_postmeta       1,204,551 rows   …'],
];

/** `told` are the first lines of a job that is no clone. */
export function lineAt(n: number, begun: number, told_?: [string, string, string][]): LogLine {
  const opening = Math.min(n, OPENING.length);
  const at = new Date(begun + opening * 1300 + (n - opening) * 40).toISOString();
  const own = told_?.[n % told_.length];
  if (own) return { n, at, step: own[0], level: own[1], text: own[2] };
  const told = OPENING[n];
  if (told) return { n, at, step: told[0], level: told[1], text: told[2] };
  const from = (n - OPENING.length) * 80;
  const level = n % 97 === 0 ? 'warn' : n % 401 === 0 ? 'error' : 'out';
  const text =
    level === 'warn'
      ? 'program was stopped; went on at row 560,001'
      : level === 'error'
        ? 'the server closed the connection; opened a new one'
        : `  range ${from.toLocaleString('en')}–${(from + 80).toLocaleString('en')} \x1b[36mdone\x1b[0m${n % 53 === 0 ? ' · \x1b[1;33mslow\x1b[0m: 3.2 s, other readers hold the table, which is why the next range will be half as large as this one was' : ''}`;
  return { n, at, step: 'copy-database', level, text };
}

/** The next line that holds the text; the search gives up after a million lines, as a file search would take its time. */
export function find(text: string, from: number, backwards: boolean, total: number, begun: number): number | null {
  const wanted = text.toLowerCase();
  for (let n = from; n >= 0 && n < total; n += backwards ? -1 : 1) {
    if (plain(lineAt(n, begun).text).toLowerCase().includes(wanted)) return n;
  }
  return null;
}
