import { expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { type ValueError, ValueErrorType } from "@sinclair/typebox/value";
import fc from "fast-check";
import { fieldErrorsOf } from "../../src/http/fieldErrors";
import { TEXT_PATTERN } from "../../src/http/fields";

const characters = fc.constantFrom("a", "é", "\n", "\u0000", "\ud800", "\udbff", "\udc00", "\udfff", "\ue000", "🔔");

test("text is what has neither U+0000 nor half of a surrogate pair, also where a pattern is read by code points", () => {
  const [pattern, byCodePoints] = [new RegExp(TEXT_PATTERN), new RegExp(TEXT_PATTERN, "u")];
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 6 }), (chosen) => {
      const text = chosen.join("");
      const isText = text.isWellFormed() && !text.includes("\u0000");
      expect([pattern.test(text), byCodePoints.test(text)]).toEqual([isText, isText]);
    }),
    { numRuns: 2000 },
  );
});

test("the pattern of text repeats no group, which would hold everybody up where a text is long", () => {
  expect(TEXT_PATTERN).not.toMatch(/\)[*+{]/);
});

test("of a long list that may be null only the beginning is looked at", () => {
  const list = Type.Array(Type.Integer());
  let looked = 0;
  function* complaints(): Generator<ValueError> {
    for (let index = 0; index < 1000; index += 1) {
      looked += 1;
      const schema = Type.Integer();
      yield { type: ValueErrorType.Integer, schema, path: `/steps/${index}`, value: "x", message: "Expected integer", errors: [] };
    }
  }
  const schema = Type.Union([list, Type.Null()]);
  const union = { type: ValueErrorType.Union, schema, path: "/steps", value: ["x"], message: "Expected union value" };
  const errors = fieldErrorsOf([{ ...union, errors: [complaints(), []] } as unknown as ValueError]);
  expect(errors).toHaveLength(20);
  expect(errors[0]).toEqual({ pointer: "/steps/0", message: "must be an integer" });
  expect(looked).toBeLessThan(100);
});
