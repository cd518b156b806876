/** Which part of a long list is on screen. Two kinds: rows of known but different heights, and lines of one height. */

/** Tops of rows, one more than there are rows: the last is the height of all. */
export function tops(heights: ArrayLike<number>): Float64Array {
  const result = new Float64Array(heights.length + 1);
  for (let i = 0; i < heights.length; i += 1) result[i + 1] = (result[i] ?? 0) + (heights[i] ?? 0);
  return result;
}

/** Index of the row at a height, clamped to the rows there are. */
export function rowAt(starts: Float64Array, y: number): number {
  let low = 0;
  let high = Math.max(0, starts.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** First row, and the one after the last, that must be drawn; a few more than are seen. */
export function rowsWithin(starts: Float64Array, scrollTop: number, height: number, spare = 6): [number, number] {
  const rows = starts.length - 1;
  if (rows <= 0) return [0, 0];
  const first = Math.max(0, rowAt(starts, scrollTop) - spare);
  const last = Math.min(rows, rowAt(starts, scrollTop + height) + 1 + spare);
  return [first, last];
}

/** Where to scroll so that a row is wholly seen; the same when it is. */
export function scrollToShow(starts: Float64Array, row: number, scrollTop: number, height: number): number {
  const top = starts[row] ?? 0;
  const bottom = starts[row + 1] ?? top;
  if (top < scrollTop) return top;
  return bottom > scrollTop + height ? bottom - height : scrollTop;
}

/** Browsers cap how tall a box may be (2²⁵ px in WebKit); below that nothing has to be scaled. */
export const TALLEST = 30_000_000;

/** Lines of one height in a box that may be shorter than all of them together. */
export interface Lines {
  /** Height of the box that scrolls, pixels. */
  height: number;
  /** First line to draw. */
  first: number;
  /** The line after the last one to draw. */
  end: number;
  /** Where the first drawn line lies in the box, pixels. */
  offset: number;
}

/** Which lines are drawn, and where. Above [`TALLEST`] the scroll position is taken as a share of the whole. */
export function lines(total: number, lineHeight: number, scrollTop: number, viewport: number, spare = 12): Lines {
  const whole = total * lineHeight;
  const height = Math.min(whole, TALLEST);
  const reach = Math.max(1, height - viewport);
  const scaled = whole > height ? Math.min(1, Math.max(0, scrollTop / reach)) * (whole - viewport) : scrollTop;
  const seen = Math.floor(scaled / lineHeight);
  const first = Math.min(Math.max(0, seen - spare), Math.max(0, total - 1));
  const end = Math.min(total, Math.ceil((scaled + viewport) / lineHeight) + spare);
  return { height, first, end: Math.max(first, end), offset: Math.max(0, scrollTop + (first * lineHeight - scaled)) };
}

/** Where to scroll so that a line lies in the middle. */
export function scrollForLine(total: number, lineHeight: number, line: number, viewport: number): number {
  const whole = total * lineHeight;
  const height = Math.min(whole, TALLEST);
  const wanted = Math.min(Math.max(0, line * lineHeight - viewport / 2), Math.max(0, whole - viewport));
  return whole > height ? (wanted / Math.max(1, whole - viewport)) * (height - viewport) : wanted;
}
