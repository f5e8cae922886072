import { expect, test } from "bun:test";
import { assert, array, integer, property, string } from "fast-check";
import { CHANGE_CURSOR_CHARS_MAX, encodeChangeCursor, isBeyond, moveTo, parseChangeCursor } from "../../src/domain/changeCursor";

const PARTITIONS_MAX = 1024;
const numbers = array(integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { maxLength: 40 });

test("a cursor is read back as it was, and stands in a URL as it is", () => {
  assert(
    property(numbers, (cursor) => {
      const text = encodeChangeCursor(cursor);
      expect(encodeURIComponent(text)).toBe(text);
      expect(parseChangeCursor(text)).toEqual(cursor);
    }),
  );
});

test("a cursor over as many partitions as there can be, far into their logs, is not too long", () => {
  const cursor = Array.from({ length: PARTITIONS_MAX }, (_, partition) => 30_000_000_000 + partition);
  const text = encodeChangeCursor(cursor);
  expect(text.length).toBeLessThanOrEqual(CHANGE_CURSOR_CHARS_MAX);
  expect(parseChangeCursor(text)).toEqual(cursor);
});

test("what is none is refused, and what was cut off or altered is refused or a cursor", () => {
  for (const none of ["", "1", "c", "c2AA", "c1 ", "c1=", "c1ÿ", `c1${"A".repeat(CHANGE_CURSOR_CHARS_MAX)}`, "c1_____________w"]) {
    expect([none, parseChangeCursor(none)]).toEqual([none, null]);
  }
  assert(
    property(string(), (text) => {
      for (const each of [text, `c1${text}`]) {
        const read = parseChangeCursor(each);
        expect(read === null || read.every((number) => Number.isSafeInteger(number) && number >= 0)).toBe(true);
      }
    }),
  );
});

test("one lies beyond another when it does so in every partition", () => {
  expect(isBeyond([1, 2], [1, 2])).toBe(true);
  expect(isBeyond([1, 2, 3], [1, 2])).toBe(true);
  expect(isBeyond([1], [1, 0, 0])).toBe(true);
  expect(isBeyond([5, 1], [1, 2])).toBe(false);
  expect(isBeyond([], [0, 1])).toBe(false);
});

test("moving it leaves no holes", () => {
  const cursor: number[] = [];
  moveTo(cursor, 2, 7);
  expect(cursor).toEqual([0, 0, 7]);
  expect(parseChangeCursor(encodeChangeCursor(cursor))).toEqual([0, 0, 7]);
});
