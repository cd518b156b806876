import { expect, test } from 'vitest';
import { lines, rowAt, rowsWithin, scrollForLine, scrollToShow, TALLEST, tops } from './window';

const starts = tops([34, 56, 64, 56, 34, 56]);

test('rows lie one under the other', () => {
  expect([...starts]).toEqual([0, 34, 90, 154, 210, 244, 300]);
});

test('the row at a height is the one that covers it', () => {
  expect([-5, 0, 33, 34, 153, 154, 299, 9999].map((y) => rowAt(starts, y))).toEqual([0, 0, 0, 1, 2, 3, 5, 5]);
});

test('only rows on screen are drawn, and a few more', () => {
  expect(rowsWithin(starts, 100, 60, 0)).toEqual([2, 4]);
  expect(rowsWithin(starts, 100, 60, 1)).toEqual([1, 5]);
  expect(rowsWithin(tops([]), 0, 500)).toEqual([0, 0]);
});

test('a hundred thousand rows cost no more than a screenful', () => {
  const many = tops(new Array<number>(100_000).fill(56));
  const [first, last] = rowsWithin(many, 2_800_000, 700);
  expect(first).toBe(49_994);
  expect(last - first).toBeLessThan(30);
});

test('a row that is seen does not move, one that is not comes to the nearer edge', () => {
  expect(scrollToShow(starts, 2, 50, 200)).toBe(50);
  expect(scrollToShow(starts, 0, 50, 200)).toBe(0);
  expect(scrollToShow(starts, 5, 0, 200)).toBe(100);
});

test('a million lines scroll pixel by pixel', () => {
  const laid = lines(1_000_000, 20, 10_000_000, 600, 5);
  expect(laid).toEqual({ height: 20_000_000, first: 499_995, end: 500_035, offset: 9_999_900 });
});

test('more lines than a box can be tall still begin and end at its ends', () => {
  const total = 5_000_000;
  const top = lines(total, 20, 0, 600, 0);
  const bottom = lines(total, 20, TALLEST - 600, 600, 0);
  expect(top.height).toBe(TALLEST);
  expect(top.first).toBe(0);
  expect(bottom.end).toBe(total);
  expect(bottom.offset + (bottom.end - bottom.first) * 20).toBe(TALLEST);
});

test('scrolling to a line brings it to the middle, in a long log as in a longer one', () => {
  for (const total of [1000, 1_000_000, 5_000_000]) {
    const line = Math.floor(total / 3);
    const laid = lines(total, 20, scrollForLine(total, 20, line, 600), 600, 0);
    expect(laid.first).toBeLessThanOrEqual(line);
    expect(laid.end).toBeGreaterThan(line);
    expect(Math.abs((laid.first + laid.end) / 2 - line)).toBeLessThanOrEqual(2);
  }
});

test('an empty log draws nothing', () => {
  expect(lines(0, 20, 0, 600)).toEqual({ height: 0, first: 0, end: 0, offset: 0 });
});
