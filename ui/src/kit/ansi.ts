/** ANSI colours of a log line as spans; every other control sequence is left out. */

export interface Span {
  text: string;
  /** Classes: `red`, `bold`… joined by spaces; empty for plain text. */
  style: string;
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

// CSI … final byte, OSC … terminator, or a lone escape with one character.
// eslint-disable-next-line no-control-regex
const SEQUENCE = /\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** Splits a line at its colour changes. */
export function spans(line: string): Span[] {
  if (!line.includes('\x1b')) return [{ text: clean(line), style: '' }];
  const found: Span[] = [];
  let colour = '';
  let bold = false;
  let faint = false;
  let underline = false;
  let from = 0;
  const push = (text: string) => {
    const cleaned = clean(text);
    if (!cleaned) return;
    const style = [colour, bold ? 'bold' : '', faint ? 'faint' : '', underline ? 'underline' : ''].filter(Boolean).join(' ');
    const last = found.at(-1);
    if (last && last.style === style) last.text += cleaned;
    else found.push({ text: cleaned, style });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    push(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] !== 'm') continue;
    const codes = (match[1] || '0').split(/[;:]/).map(Number);
    for (let i = 0; i < codes.length; i += 1) {
      const code = codes[i] ?? 0;
      if (code === 0) [colour, bold, faint, underline] = ['', false, false, false];
      else if (code === 1) bold = true;
      else if (code === 2) faint = true;
      else if (code === 4) underline = true;
      else if (code === 22) bold = faint = false;
      else if (code === 24) underline = false;
      else if (code >= 30 && code <= 37) colour = COLOURS[code - 30] ?? '';
      else if (code >= 90 && code <= 97) colour = COLOURS[code - 90] ?? '';
      else if (code === 39) colour = '';
      else if (code === 38 || code === 48) {
        const isForeground = code === 38;
        if (codes[i + 1] === 5) {
          if (isForeground) colour = fromPalette(codes[i + 2] ?? 0);
          i += 2;
        } else if (codes[i + 1] === 2) {
          if (isForeground) colour = nearest(codes[i + 2] ?? 0, codes[i + 3] ?? 0, codes[i + 4] ?? 0);
          i += 4;
        }
      }
    }
  }
  push(line.slice(from));
  return found.length ? found : [{ text: '', style: '' }];
}

/** The line without any of its control sequences: for the clipboard and for searching. */
export function plain(line: string): string {
  return clean(line.replace(SEQUENCE, ''));
}

function clean(text: string): string {
  return text.replace(CONTROL, '');
}

function fromPalette(index: number): string {
  if (index < 16) return COLOURS[index % 8] ?? '';
  if (index >= 232) return index < 244 ? 'black' : 'white';
  const cube = index - 16;
  return nearest(Math.floor(cube / 36) * 51, (Math.floor(cube / 6) % 6) * 51, (cube % 6) * 51);
}

/** The theme's colour that comes nearest in hue, because a colour chosen for a black terminal cannot be read on white. */
function nearest(red: number, green: number, blue: number): string {
  const most = Math.max(red, green, blue);
  if (most - Math.min(red, green, blue) < 40) return most < 96 ? 'black' : 'white';
  const bit = (value: number) => (value > most * 0.6 ? 1 : 0);
  return COLOURS[bit(red) + 2 * bit(green) + 4 * bit(blue)] ?? '';
}
