/** Values that a schema of the document allows, and values that nobody expects. */
import fc from "fast-check";
import { type OpenapiDocument, resolved, type Schema } from "../document";

/** Lists and objects are so long at most, unless their schema wants more. */
const MEMBERS_MAX = 4;
const TEXT_CHARS_MAX = 40;
const TIME_MIN = new Date("2020-01-01T00:00:00.000Z");
const TIME_MAX = new Date("2099-01-01T00:00:00.000Z");

const anyText = fc.string({ unit: "binary", maxLength: TEXT_CHARS_MAX });

/** A value that `schema` allows; that there is a rule which no schema can say may make it wrong all the same. */
export function valueOf(schema: Schema, document: OpenapiDocument): fc.Arbitrary<unknown> {
  const target = resolved(schema, document.components.schemas);
  const shown = [...(target.examples ?? []), ...(target.default === undefined ? [] : [target.default])];
  const made = madeOf(target, document);
  if (shown.length === 0) return made;
  // A text with an example has a form of its own; an object's fields have theirs.
  const weights = target.type === "string" ? [1, 3] : [3, 1];
  return fc.oneof(
    { weight: weights[0] as number, arbitrary: made },
    { weight: weights[1] as number, arbitrary: fc.constantFrom(...shown) },
  );
}

function madeOf(schema: Schema, document: OpenapiDocument): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((branch) => valueOf(branch, document)));
  const { minimum = -1000, maximum = 1_000_000, minItems = 0, maxItems = MEMBERS_MAX } = schema;
  switch ([schema.type].flat()[0]) {
    case "string":
      return textOf(schema);
    case "integer":
      return fc.integer({ min: Math.ceil(minimum), max: Math.floor(maximum) });
    case "number":
      return fc.double({ min: minimum, max: maximum, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      const bounds = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, MEMBERS_MAX)) };
      const item = valueOf(schema.items ?? {}, document);
      return schema.uniqueItems === true ? fc.uniqueArray(item, { ...bounds, comparator: "SameValue" }) : fc.array(item, bounds);
    }
    case "object":
      return objectOf(schema, document);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf(schema: Schema, document: OpenapiDocument): fc.Arbitrary<Record<string, unknown>> {
  const named = Object.entries(schema.properties ?? {}).map(([name, property]) => [name, valueOf(property, document)] as const);
  const known = someOf(Object.fromEntries(named), schema.required ?? []);
  const [pattern] = Object.entries(schema.patternProperties ?? {});
  if (pattern === undefined) return known;
  const keys = textOf({ pattern: pattern[0] });
  const maxKeys = Math.min(schema.maxProperties ?? MEMBERS_MAX, MEMBERS_MAX);
  const others = fc.dictionary(keys as fc.Arbitrary<string>, valueOf(pattern[1], document), { maxKeys });
  return fc.tuple(known, others).map(([first, second]) => ({ ...second, ...first }));
}

const ABSENT = Symbol("absent");

/** What is not required is there once in `1 + ABSENT_WEIGHT` times: few rules are then met by many fields at once. */
const ABSENT_WEIGHT = 3;

export function someOf<Value>(
  members: Readonly<Record<string, fc.Arbitrary<Value>>>,
  required: readonly string[],
): fc.Arbitrary<Record<string, Value>> {
  const absent = { weight: ABSENT_WEIGHT, arbitrary: fc.constant(ABSENT) };
  const entries = Object.entries(members).map(
    ([name, arbitrary]) => [name, required.includes(name) ? arbitrary : fc.oneof(absent, { weight: 1, arbitrary })] as const,
  );
  return fc
    .record(Object.fromEntries(entries))
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== ABSENT)) as Record<string, Value>);
}

function textOf({ pattern, minLength = 0, maxLength = TEXT_CHARS_MAX, format }: Schema): fc.Arbitrary<unknown> {
  const time = fc.date({ min: TIME_MIN, max: TIME_MAX, noInvalidDate: true }).map((date) => date.toISOString());
  if (format === "date-time") return time;
  const free = fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, Math.max(minLength, TEXT_CHARS_MAX)) });
  if (pattern === undefined) return free;
  const wanted = new RegExp(pattern);
  if (wanted.test(TIME_MIN.toISOString()) && !wanted.test("a")) return time;
  const fitting = (text: string) => wanted.test(text) && text.length >= minLength && text.length <= maxLength;
  // What leaves out a few characters is met by almost any text; anything else must be made from its pattern.
  const excludes = fitting("a") && fitting("é ~") && fitting(" 1,b;");
  return excludes ? free.filter(fitting) : fc.stringMatching(wanted).filter(fitting);
}

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  "",
  " ",
  "a.b",
  "\u0000",
  "\ud800",
  "🔔",
  "x".repeat(5000),
  "2026-02-30T00:00:00Z",
  [],
  [null],
  [[]],
  {},
  { a: { b: null } },
  { __proto__: null, constructor: 1 },
];

/** For where something else is expected. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD_VALUES) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: anyText },
);

const ODD_TEXTS = [
  "",
  " ",
  "a.b",
  "*",
  "..",
  "x".repeat(3000),
  "🔔",
  "-1",
  "1e9",
  "null",
  "true",
  "'or 1=1--",
  "a,b",
  "a:b",
  "2026-02-30T00:00:00Z",
];

/** In a path or a query, percent-encoded, or not rightly so. */
export const oddEncoded: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS.map(encodeURIComponent), "%00", "%E0%A4%A", "%2e%2e", "%2F", "a%20b", "%ff"),
  fc.string({ unit: "grapheme", maxLength: TEXT_CHARS_MAX }).map(encodeURIComponent),
);

const VISIBLE = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index));

/** What can stand in a header. */
export const oddHeader: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    "*",
    '"1"',
    '"999"',
    'W/"1"',
    '"a", "b"',
    '"',
    "0",
    "-1",
    "a,b",
    "x".repeat(3000),
    "é",
    "return=minimal",
    "return=representation",
    "0.0.0",
    "bytes=0-1",
  ),
  fc.string({ unit: fc.constantFrom(...VISIBLE), maxLength: TEXT_CHARS_MAX }),
);
