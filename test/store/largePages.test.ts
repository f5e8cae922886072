import { describe, expect, test } from "bun:test";
import { nextTurn } from "../../src/nextTurn";
import { LargePage, PAGE_BYTES_MAX } from "../../src/store/largePages";
import { PageRoom } from "../../src/store/pageRoom";

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

/** Reads a page of rows of this size, as a driver does that waits between two reads; `holds` is told what it holds. */
async function readPage(size: number, holds: (bytes: number) => void): Promise<void> {
  using large = new LargePage<number>(1000, { bytesOf: (row) => row, bytesMax: HUGE });
  let bytes = 0;
  for (let wanted = large.wanted; wanted > 0; wanted = large.wanted) {
    await large.room();
    large.take(Array<number>(wanted).fill(size), false);
    holds(wanted * size);
    bytes += wanted * size;
    await nextTurn();
  }
  holds(-bytes);
}

test("many large pages that are asked for at once are not all in memory at once, and all of them come", async () => {
  let [held, most] = [0, 0];
  const holds = (bytes: number) => {
    held += bytes;
    most = Math.max(most, held);
  };
  await Promise.all(Array.from({ length: 100 }, () => readPage(HUGE / 2, holds)));
  expect(most).toBeGreaterThan(2 * PAGE_BYTES_MAX);
  // Each may hold a page and what was read beyond its end.
  expect(most).toBeLessThanOrEqual(8 * 2 * PAGE_BYTES_MAX);
  expect(held).toBe(0);
});

test("small pages do not wait for each other once their first rows are there, nor one that finds nothing for long", async () => {
  using searching = new LargePage<number>(1000, { bytesOf: (row) => row, bytesMax: HUGE });
  await searching.room();
  searching.take([], false);
  const open = new Set<number>();
  let most = 0;
  const pages = Array.from({ length: 100 }, (_, index) =>
    readPage(10, (bytes) => {
      if (bytes > 0) open.add(index);
      else open.delete(index);
      most = Math.max(most, open.size);
    }),
  );
  await Promise.all(pages);
  expect(most).toBeGreaterThan(50);
});

describe("the room for pages", () => {
  test("is taken in the order of asking, and what is larger than all of it goes alone", async () => {
    const room = new PageRoom(10);
    const order: string[] = [];
    const take = async (name: string, bytes: number) => {
      await room.take(bytes);
      order.push(name);
    };
    await take("a", 6);
    const waiting = [take("b", 20), take("c", 1)];
    await nextTurn();
    expect(order).toEqual(["a"]);
    room.change(-6);
    await waiting[0];
    await nextTurn();
    expect(order).toEqual(["a", "b"]);
    room.change(-20);
    await Promise.all(waiting);
    expect([order, room.held]).toEqual([["a", "b", "c"], 1]);
  });
});
