import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { MESSAGE_CHARS_MAX, REPORT_BYTES_MAX, REPORT_ID_CHARS_MAX } from "../../src/domain/report";
import { openTestApi, type TestApi } from "./api";
import { type ItemResult, REPORTS, sendTexts } from "./bulkBodies";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.constantFrom("\u0000", "\ud800", '"', "\\", "}{]["),
);
const anything = fc.oneof(fc.jsonValue(), text, fc.double(), fc.constant(null));
const mostly = <Value>(right: fc.Arbitrary<Value>, wrong: fc.Arbitrary<unknown> = anything) =>
  fc.oneof({ arbitrary: right as fc.Arbitrary<unknown>, weight: 14 }, { arbitrary: wrong, weight: 1 });

/** Reports that are right, nearly right, or wrong in several ways. */
const reports = fc.record(
  {
    status: mostly(
      fc.constantFrom("ok", "door.open", "x".repeat(64)),
      fc.oneof(anything, fc.constantFrom("", "OK", "x".repeat(65), "ok\n")),
    ),
    severity: mostly(fc.constantFrom("ok", "warning", "critical", "unknown")),
    value: mostly(fc.double({ noDefaultInfinity: true, noNaN: true })),
    message: mostly(
      fc.oneof(
        text,
        fc.constantFrom(MESSAGE_CHARS_MAX, MESSAGE_CHARS_MAX + 1).map((length) => "ü".repeat(length)),
      ),
    ),
    at: mostly(
      fc.constantFrom("2026-11-23T10:00:00Z", "2026-11-23t10:00:00.123456+02:00"),
      fc.oneof(anything, fc.constantFrom("2026-02-30T10:00:00Z", "now")),
    ),
    id: mostly(
      fc.oneof(
        text,
        fc.constantFrom(REPORT_ID_CHARS_MAX, REPORT_ID_CHARS_MAX + 1).map((length) => "i".repeat(length)),
      ),
    ),
    attributes: mostly(
      fc.oneof(
        fc.dictionary(text, fc.jsonValue({ maxDepth: 4 })),
        fc
          .constantFrom(90, 97, 98, 99, 100, 200)
          .map((levels) => JSON.parse(`{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`) as unknown),
        fc.constantFrom(-60, -1, 0, 1, 200, 5000).map((over) => ({ fill: "x".repeat(REPORT_BYTES_MAX - 40 + over) })),
        fc.constantFrom(100, 2978, 2979, 6000).map((count) => ({ n: Array.from({ length: count }, () => 1e20) })),
      ),
    ),
    colour: anything,
  },
  { requiredKeys: ["status"] },
);
const rarely = fc.constantFrom(false, false, false, false, true);
const drawn = fc.tuple(fc.constantFrom("a", "Boiler_7:x"), reports, rarely, fc.boolean()).map(([id, report, strange, first]) => {
  const { colour, ...known } = report as Record<string, unknown>;
  const body = strange && colour !== undefined ? { ...known, colour } : known;
  // As a sender may write it: numbers in their short form.
  const single = JSON.stringify(body).replaceAll("100000000000000000000", "1e20");
  const inside = single.slice(1, -1);
  return { id, single, item: first ? `{"sensorId":"${id}",${inside}}` : `{${inside},"sensorId":"${id}"}` };
});

interface Taken {
  readonly status: number;
  readonly published: { readonly sensorId: string; readonly report: unknown } | null;
  readonly pointers: readonly string[];
}

function publishedSince(count: number): Taken["published"] {
  const last = api.reports.published[count];
  if (last === undefined) return null;
  expect(last.text.startsWith("{")).toBe(true);
  expect(Buffer.byteLength(last.text)).toBeLessThanOrEqual(REPORT_BYTES_MAX);
  return { sensorId: last.sensorId, report: JSON.parse(last.text) };
}

const pointersOf = ({ errors = [] }: Pick<ItemResult, "errors">) => errors.map(({ pointer }) => pointer).toSorted();

async function alone({ id, single }: { id: string; single: string }): Promise<Taken> {
  const before = api.reports.published.length;
  const answer = await api.request("POST", `/v1/sensors/${id}/reports`, { body: single });
  return { status: answer.status, published: publishedSince(before), pointers: pointersOf(answer.json<ItemResult>()) };
}

async function among(item: string, form: "json" | "lines"): Promise<Taken> {
  const before = api.reports.published.length;
  const { items } = await sendTexts(api, REPORTS, [item], { form });
  const [only] = items as [ItemResult];
  return { status: only.status, published: publishedSince(before), pointers: pointersOf(only) };
}

test("a report is taken, refused and published alike, alone and among many", async () => {
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(drawn, async ({ id, single, item }) => {
      const expected = await alone({ id, single });
      seen.set(expected.status, (seen.get(expected.status) ?? 0) + 1);
      for (const form of ["json", "lines"] as const) {
        const { pointers, ...found } = await among(item, form);
        expect(found).toEqual({ status: expected.status, published: expected.published });
        if (expected.pointers.length <= 5) expect(pointers).toEqual(expected.pointers);
        else expect(expected.pointers).toEqual(expect.arrayContaining([...pointers]));
      }
    }),
    { numRuns: 1500 },
  );
  // All of it was drawn.
  expect(new Set(seen.keys())).toEqual(new Set([202, 400, 413, 422]));
  expect(seen.get(202)).toBeGreaterThan(50);
}, 180_000);
