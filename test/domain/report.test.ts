import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ATTRIBUTES_BYTES_MAX,
  ATTRIBUTES_DEPTH_MAX,
  checkReport,
  MESSAGE_CHARS_MAX,
  parseReport,
  type Report,
  REPORT_BYTES_MAX,
  REPORT_ID_CHARS_MAX,
} from "../../src/domain/report";
import { SEVERITIES } from "../../src/domain/severity";
import { reportOf } from "./timeline";

const encoder = new TextEncoder();
const parse = (text: string) => parseReport(encoder.encode(text));
const parseBody = (body: unknown) => parse(JSON.stringify(body));

function refusalOf(parsed: ReturnType<typeof parseReport>): string {
  if (parsed.ok) throw new Error(`taken: ${JSON.stringify(parsed.report)}`);
  return parsed.reason;
}

const STATUS_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789_.-".split("");
const status = fc
  .tuple(fc.constantFrom(...STATUS_CHARS.slice(0, 36)), fc.string({ unit: fc.constantFrom(...STATUS_CHARS), maxLength: 63 }))
  .map(([first, rest]) => first + rest);
const text = (maxLength: number) =>
  fc.string({ unit: "grapheme", maxLength }).filter((drawn) => !drawn.includes("\0") && drawn.length <= maxLength);
const report: fc.Arbitrary<Report> = fc.record({
  status,
  severity: fc.option(fc.constantFrom(...SEVERITIES)),
  value: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value))),
  message: fc.option(text(200)),
  at: fc.option(
    fc.date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }).map(Number),
  ),
  id: fc.option(text(REPORT_ID_CHARS_MAX).filter((id) => id !== "")),
  attributes: fc.option(
    fc.dictionary(fc.string(), fc.jsonValue()).map((drawn) => JSON.parse(JSON.stringify(drawn)) as Record<string, unknown>),
  ),
});

/** As a sensor would send it. */
function bodyOf(sent: Report): Record<string, unknown> {
  const fields = Object.entries(sent).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(fields), ...(sent.at === null ? {} : { at: new Date(sent.at).toISOString() }) };
}

describe("a payload", () => {
  test("of any bytes is a report or a refusal with its reason, and never an error", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    const jsonLike = fc.oneof(fc.json(), fc.string()).map((drawn) => encoder.encode(`{${drawn}`));
    fc.assert(
      fc.property(fc.oneof(bytes, jsonLike), (payload) => {
        const parsed = parseReport(payload);
        if (parsed.ok) expect(parsed.report.status).toMatch(/^[a-z0-9][a-z0-9_.-]{0,63}$/);
        else expect(parsed.reason).not.toBe("");
      }),
      { numRuns: 1000 },
    );
  });

  test("with fields of any kind is a report or a refusal with its reason, and never an error", () => {
    const field = fc.constantFrom("status", "severity", "value", "message", "at", "id", "attributes", "__proto__", "toString");
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("ok", "critical", "2026-11-23T10:00:00Z", "2026-02-31T10:00:00Z", "9999-12-31T23:59:59-23:59"),
    );
    fc.assert(
      fc.property(fc.dictionary(field, value), (body) => {
        const parsed = parseBody({ status: "ok", ...body });
        if (!parsed.ok) expect(parsed.reason).not.toBe("");
      }),
      { numRuns: 1000 },
    );
  });

  test("nested as deeply as its size allows is no error either", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const depth = Math.floor(60_000 / (open.length + close.length));
      const nested = `${open.repeat(depth)}1${close.repeat(depth)}`;
      expect(typeof parse(`{"status":"ok","attributes":{"a":${nested}}}`).ok).toBe("boolean");
      expect(typeof parse(`{"status":${nested}}`).ok).toBe("boolean");
    }
  });

  test("in JSON comes out as it went in", () => {
    fc.assert(
      fc.property(report, (sent) => {
        expect(parseBody(bodyOf(sent))).toEqual({ ok: true, report: sent, unknownFields: 0 });
      }),
      { numRuns: 500 },
    );
  });

  test("that is a bare code comes out as its status alone", () => {
    fc.assert(
      fc.property(status, (code) => {
        expect(parse(code)).toEqual({ ok: true, report: reportOf(code), unknownFields: 0 });
      }),
    );
  });

  test.each([
    ["nothing", ""],
    ["a line's end", "ok\n"],
    ["capitals", "OK"],
    ["a space", "door open"],
    ["65 characters", "a".repeat(65)],
    ["a point in front", ".ok"],
    ["a JSON string", '"ok"'],
    ["a space before the brace", ' {"status":"ok"}'],
    ["a byte order mark", "\uFEFFok"],
  ])("with %s is no code", (_what, code) => {
    expect(refusalOf(parse(code))).toContain("neither a JSON report nor a status code");
  });

  test("that is not UTF-8 is refused", () => {
    expect(refusalOf(parseReport(Uint8Array.of(0x7b, 0xff, 0x7d)))).toBe("the payload is not UTF-8");
  });

  test("that is cut off is refused", () => {
    expect(refusalOf(parse('{"status":"o'))).toBe("the payload starts with { but is not JSON");
  });

  test(`of ${REPORT_BYTES_MAX} bytes is taken, of one more refused`, () => {
    const padded = (bytes: number) => `{"status":"ok","x":"${"x".repeat(bytes - 22)}"}`;
    expect(padded(100).length).toBe(100);
    expect(parse(padded(REPORT_BYTES_MAX)).ok).toBe(true);
    expect(refusalOf(parse(padded(REPORT_BYTES_MAX + 1)))).toContain(`at most ${REPORT_BYTES_MAX} bytes`);
  });
});

describe("a JSON report", () => {
  test("may have fields that nobody knows; they are counted", () => {
    expect(parseBody({ status: "ok", colour: "red", size: 1 })).toEqual({ ok: true, report: reportOf("ok"), unknownFields: 2 });
  });

  test.each([
    ["no status", {}, "/status"],
    ["a status in capitals", { status: "OK" }, "/status"],
    ["a severity that is none", { status: "ok", severity: "fatal" }, "/severity"],
    ["null for a severity", { status: "ok", severity: null }, "/severity"],
    ["a value in quotes", { status: "ok", value: "1" }, "/value"],
    ["a message too long", { status: "ok", message: "x".repeat(MESSAGE_CHARS_MAX + 1) }, "/message"],
    ["a message with U+0000", { status: "ok", message: "a\0b" }, "/message"],
    ["an empty id", { status: "ok", id: "" }, "/id"],
    ["an id too long", { status: "ok", id: "x".repeat(REPORT_ID_CHARS_MAX + 1) }, "/id"],
    ["a number for an id", { status: "ok", id: 7 }, "/id"],
    ["a list of attributes", { status: "ok", attributes: [] }, "/attributes"],
  ])("with %s is refused, and told where", (_what, body, pointer) => {
    expect(refusalOf(parseBody(body))).toStartWith(`${pointer}: `);
  });

  test("with a value that no number holds is refused", () => {
    expect(refusalOf(parse('{"status":"ok","value":1e999}'))).toStartWith("/value: ");
  });

  test("whose attributes grow beyond the limit when they are written again is refused", () => {
    const numbers = Array.from({ length: 12_000 }, () => "1e20").join(",");
    expect(refusalOf(parse(`{"status":"ok","attributes":{"n":[${numbers}]}}`))).toContain(`at most ${ATTRIBUTES_BYTES_MAX} are kept`);
  });

  test.each([
    ["/message", { message: "a\ud800b" }],
    ["/id", { id: "\udfff" }],
    ["/attributes", { attributes: { a: ["ok", { b: "\ud83d" }] } }],
    ["/attributes", { attributes: { a: { "\ude00\ud83d": 1 } } }],
  ])("with half a surrogate pair in %s is refused, because its text could not be handed on", (pointer, fields) => {
    expect(refusalOf(parseBody({ status: "ok", ...fields }))).toBe(`${pointer}: holds half of a surrogate pair, which is no text`);
  });

  test("may have any character beyond the first plane", () => {
    const attributes = { "\u{1F525}": ["\u{10FFFF}"] };
    expect(parseBody({ status: "ok", message: "\u{1F525}", id: "\u{1F525}", attributes }).ok).toBe(true);
  });

  test(`with attributes of ${ATTRIBUTES_DEPTH_MAX} levels is taken, of one more or of thousands refused`, () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const nested = (levels: number) => parse(`{"status":"ok","attributes":{"a":${open.repeat(levels - 1)}1${close.repeat(levels - 1)}}}`);
      expect(nested(ATTRIBUTES_DEPTH_MAX).ok).toBe(true);
      for (const levels of [ATTRIBUTES_DEPTH_MAX + 1, 10_000]) {
        expect(refusalOf(nested(levels))).toBe(`/attributes: are nested deeper than ${ATTRIBUTES_DEPTH_MAX} levels`);
      }
    }
  });

  test("that is not an object is refused", () => {
    for (const body of [null, 1, "ok", []]) expect(checkReport(body, 10).ok).toBe(false);
  });
});

describe("a report's time", () => {
  const timeOf = (at: string) => {
    const parsed = parseBody({ status: "ok", at });
    return parsed.ok ? new Date(parsed.report.at ?? 0).toISOString() : parsed.reason;
  };

  test.each([
    ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000Z"],
    ["2026-11-23t10:00:00z", "2026-11-23T10:00:00.000Z"],
    ["2026-11-23T10:00:00.123456789Z", "2026-11-23T10:00:00.123Z"],
    ["2026-11-23T12:00:00+02:00", "2026-11-23T10:00:00.000Z"],
    ["2026-11-23T00:30:00+05:45", "2026-11-22T18:45:00.000Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00.000Z"],
  ])("%s is understood", (at, meant) => {
    expect(timeOf(at)).toBe(meant);
  });

  test.each([
    "2026-11-23T10:00:00",
    "2026-11-23 10:00:00Z",
    "2026-11-23",
    "2026-13-01T00:00:00Z",
    "2026-02-30T10:00:00Z",
    "2026-04-31T10:00:00Z",
    "2027-02-29T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T10:00:60Z",
    "2026-11-23T10:00:00+2:00",
    "0000-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "yesterday",
    "",
  ])("%p is not one, and that is said in words", (at) => {
    expect(timeOf(at)).toBe("/at: must be an RFC 3339 time with a time zone, such as 2026-11-23T10:00:00Z");
  });
});
