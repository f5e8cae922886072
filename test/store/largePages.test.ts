import { expect, test } from "bun:test";
import { LargePage, PAGE_BYTES_MAX } from "../../src/store/largePages";

const HUGE = 64 * 1024;

/** What is read at once for a page of these sizes. */
function slicesOf(sizes: readonly number[], limit: number): number[][] {
  const large = new LargePage<number>(limit, { bytesOf: (size) => size, bytesMax: HUGE });
  const slices: number[][] = [];
  for (let at = 0, wanted = large.wanted; wanted > 0; wanted = large.wanted) {
    const rows = sizes.slice(at, at + wanted);
    slices.push(rows);
    large.take(rows, rows.length < wanted);
    at += rows.length;
  }
  return slices;
}

test("however small the rows of a page begin, what is read at once of the rest is bounded in bytes", () => {
  const sizes = [...Array<number>(150).fill(10), ...Array<number>(900).fill(HUGE)];
  const read = slicesOf(sizes, 1000).map((rows) => rows.reduce((sum, size) => sum + size, 0));
  expect(Math.max(...read)).toBeLessThanOrEqual(2 * PAGE_BYTES_MAX);
  expect(read.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(PAGE_BYTES_MAX);
});

test("a page of small rows is read to its limit, and one that says whether there are more", () => {
  expect(slicesOf(Array<number>(1100).fill(10), 1000).flat()).toHaveLength(1001);
});
