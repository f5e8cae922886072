import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Cell, csvLine } from "../../src/http/csv";
import { readCsv, unmarked } from "./csvReader";

const texts = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.stringMatching(/^[=+\-@'"\t\r\n, ;a1\uff1d\uff0b\uff0d\uff20]{0,6}$/),
  fc.json(),
);

test("whatever is written is read again by RFC 4180, as it was once the apostrophe is taken away", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.option(texts), { minLength: 2, maxLength: 5 }), { maxLength: 4 }), (rows) => {
      const read = readCsv(rows.map(csvLine).join(""));
      expect(read.map((row) => row.map(unmarked))).toEqual(rows);
    }),
    { numRuns: 2000 },
  );
});

test("no field begins as a formula does, nor with a tab or the end of a line", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const [[field = null] = []] = readCsv(csvLine([text, ""]));
      expect(field ?? "").not.toMatch(/^(\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/);
    }),
    { numRuns: 5000 },
  );
});

test.each<[Cell[], string]>([
  [["a", 1, null, ""], 'a,1,,""\r\n'],
  [["=1+1", "+1", "-1", "@SUM(A1)", "'a"], "'=1+1,'+1,'-1,'@SUM(A1),''a\r\n"],
  [[" =1", "\t=1", "a=1", "\uff1d1"], "' =1,'\t=1,a=1,'\uff1d1\r\n"],
  [[-1, 1e21, 0.5], "-1,1e+21,0.5\r\n"],
  [['{"a":"b"}', "a,b", "a\nb", 'a"b'], '"{""a"":""b""}","a,b","a\nb","a""b"\r\n'],
])("%p is written %p", (cells, line) => {
  expect(csvLine(cells)).toBe(line);
});
