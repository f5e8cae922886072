import { describe, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { ArrayCutter, type Cut, type Cutter, LineCutter } from "../../src/http/bulk/cutting";

const BYTES_MAX = 64;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a cutter makes of a body that comes in these pieces, asked for so many items at a time. */
function cutUp(cutter: Cutter, chunks: readonly Uint8Array[], limit = 3): (string | null)[] {
  const items: Cut[] = [];
  const cutAll = () => {
    for (;;) {
      const cuts: Cut[] = [];
      cutter.cut(cuts, limit);
      expect(cuts.length).toBeLessThanOrEqual(limit);
      items.push(...cuts);
      if (cuts.length < limit) return;
    }
  };
  for (const chunk of chunks) {
    cutter.feed(chunk);
    cutAll();
    if (cutter.fault !== null) break;
  }
  if (cutter.fault === null) cutter.end(items);
  return items.map((item) => (item === null ? null : decoder.decode(item)));
}

function piecesOf(text: string, sizes: readonly number[]): Uint8Array[] {
  const bytes = encoder.encode(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const whole = (text: string) => [encoder.encode(text)];
const arrayOf = (text: string) => {
  const cutter = new ArrayCutter(BYTES_MAX);
  const items = cutUp(cutter, whole(text));
  return { items, fault: cutter.fault };
};

/** None that a carriage return would make too long. */
const json = fc.json({ maxDepth: 3 }).filter((text) => encoder.encode(text).length !== BYTES_MAX);
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
const shortened = (texts: readonly string[]) => texts.map((text) => (encoder.encode(text).length > BYTES_MAX ? null : text));

describe("lines", () => {
  test("that are empty are passed over together", () => {
    const chunk = encoder.encode(`${"\n \r\n".repeat(1000)}1\n${"\t\n".repeat(1000)} 2`);
    const looks = spyOn(chunk, "indexOf");
    expect(cutUp(new LineCutter(BYTES_MAX), [chunk])).toEqual(["1", "2"]);
    expect(looks.mock.calls.length).toBeLessThan(5);
  });

  test("are the same in whatever pieces they come, and one that is too long is alone in being so", () => {
    fc.assert(
      fc.property(fc.array(json), sizes, fc.constantFrom("\n", "\r\n", "\n\n", "\n \t\r\n"), fc.boolean(), (texts, cuts, ending, ended) => {
        const text = texts.join(ending) + (ended ? ending : "");
        expect(cutUp(new LineCutter(BYTES_MAX), piecesOf(text, cuts))).toEqual(shortened(texts));
      }),
      { numRuns: 500 },
    );
  });

  test("may have as many bytes as are given, and not one more", () => {
    const [fits, long] = ["x".repeat(BYTES_MAX), "x".repeat(BYTES_MAX + 1)];
    for (const pieces of [[1], [BYTES_MAX], [1000]]) {
      expect(cutUp(new LineCutter(BYTES_MAX), piecesOf(`${fits}\n${long}\n1\n${long}`, pieces))).toEqual([fits, null, "1", null]);
    }
  });
});

describe("elements of an array", () => {
  test("are the same in whatever pieces they come, whatever blanks stand between them", () => {
    fc.assert(
      fc.property(fc.array(json), sizes, fc.constantFrom("", " ", "\n\t ", "\r\n"), (texts, cuts, blank) => {
        const text = `${blank}[${texts.join(",")}]${blank}`;
        const cutter = new ArrayCutter(BYTES_MAX);
        expect(cutUp(cutter, piecesOf(text, cuts))).toEqual(shortened(texts));
        expect(cutter.fault).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test("keep their brackets, quotes and commas to themselves", () => {
    const items = ['{"a":"],[}{\\""}', '[[","]]', '"\\\\"', '"\\"]"'];
    expect(arrayOf(`[${items.join(" , ")}]`)).toEqual({ items: expect.any(Array) as never, fault: null });
    expect(arrayOf(`[${items.join(",")}]`).items).toEqual(items);
  });

  test("may be none, and an empty place is one that is no JSON", () => {
    expect(arrayOf("[]")).toEqual({ items: [], fault: null });
    expect(arrayOf(" [ \n ] ")).toEqual({ items: [], fault: null });
    expect(arrayOf("[1,]")).toEqual({ items: ["1", ""], fault: null });
    expect(arrayOf("[,1]")).toEqual({ items: ["", "1"], fault: null });
  });

  test("are told as far as they can be told apart", () => {
    const faults: Record<string, [items: string[], fault: string]> = {
      "": [[], "it is empty"],
      "  ": [[], "it is empty"],
      "{}": [[], "it does not begin with ["],
      "\ufeff[1]": [[], "it does not begin with ["],
      "[1": [[], "it ended within the array"],
      '[1,"]': [["1"], "it ended within the array"],
      "[1,{]": [["1"], "it ended within the array"],
      "[1,2}": [["1"], "it closes an object that was not opened"],
      '[1,{"a":]},2]': [["1"], "it closes an object that was not opened"],
      "[1],": [["1"], "something follows the array"],
      "[1][2]": [["1"], "something follows the array"],
    };
    for (const [text, [items, fault]] of Object.entries(faults)) expect([text, arrayOf(text)]).toEqual([text, { items, fault }]);
  });
});
