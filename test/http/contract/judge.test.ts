import { describe, expect, test } from "bun:test";
import type { Described, OpenapiDocument, Schema } from "../document";
import { type Judged, undocumented } from "./judge";

const THING: Schema = {
  type: "object",
  required: ["id", "count"],
  properties: { id: { type: "string", pattern: "^[a-z]+$" }, count: { type: "integer", minimum: 0 } },
};
const document = {
  components: {
    headers: { etag: { description: "The version.", required: true }, ratelimit: { description: "What is left.", required: false } },
    responses: { NotFound: { description: "None.", content: { "application/problem+json": { schema: { type: "object" } } } } },
    schemas: { Thing: THING },
  },
} as unknown as OpenapiDocument;
const described = {
  method: "GET",
  path: "/things/{id}",
  operation: {
    responses: {
      200: {
        description: "One.",
        headers: { etag: { $ref: "#/components/headers/etag" }, ratelimit: { $ref: "#/components/headers/ratelimit" } },
        content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } }, "application/x-ndjson": { schema: THING } },
      },
      204: { description: "Gone." },
      404: { $ref: "#/components/responses/NotFound" },
    },
  },
} as unknown as Described;

const RIGHT: Judged = {
  status: 200,
  headers: new Headers({ "content-type": "application/json", etag: '"1"', date: "today" }),
  text: '{"id":"a","count":1}',
};

function judged(answer: Partial<Judged>, headers: Readonly<Record<string, string | null>> = {}): string[] {
  const all = new Headers(RIGHT.headers);
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) all.delete(name);
    else all.set(name, value);
  }
  return undocumented(described, { ...RIGHT, headers: all, ...answer }, document);
}

describe("an answer that the document tells of", () => {
  test("passes, by each of its types", () => {
    expect(judged({})).toEqual([]);
    expect(judged({}, { ratelimit: "r=1", "content-type": "application/json; charset=utf-8" })).toEqual([]);
    expect(judged({ text: '{"id":"a","count":1}\n{"id":"b","count":0}\n' }, { "content-type": "application/x-ndjson" })).toEqual([]);
    expect(judged({ text: '{"id":"a","count":1}\n{"id', cut: true }, { "content-type": "application/x-ndjson" })).toEqual([]);
    expect(judged({ status: 204, text: "" }, { etag: null })).toEqual([]);
    expect(judged({ status: 404, text: "{}" }, { etag: null, "content-type": "application/problem+json" })).toEqual([]);
  });
});

describe("an answer that the document does not tell of is named, with what is wrong", () => {
  const cases: [string, Partial<Judged>, Record<string, string | null>, RegExp][] = [
    ["another status", { status: 201 }, {}, /201, which is not in the document/],
    ["a fault", { status: 503 }, {}, /answered 503/],
    ["another type", {}, { "content-type": "text/html" }, /as text\/html/],
    ["no type", {}, { "content-type": null }, /as {2},|as , which/],
    ["a header that is missing", {}, { etag: null }, /lacks the header etag/],
    ["a header too many", {}, { "x-powered-by": "us" }, /has the header x-powered-by/],
    ["a field too many", { text: '{"id":"a","count":1,"secret":1}' }, {}, /\/secret: is not in the document/],
    ["a field that is missing", { text: '{"id":"a"}' }, {}, /\/count: is missing/],
    ["a field of another type", { text: '{"id":"a","count":"1"}' }, {}, /\/count: is "1"/],
    ["a number out of range", { text: '{"id":"a","count":-1}' }, {}, /\/count: -1 is below 0/],
    ["a text of another form", { text: '{"id":"A","count":1}' }, {}, /\/id: A is not/],
    ["no JSON", { text: "<html>" }, {}, /is not JSON/],
    ["a wrong line", { text: '{"id":"a","count":1}\n{}\n' }, { "content-type": "application/x-ndjson" }, /\/id: is missing/],
    ["a line without an end", { text: '{"id":"a","count":1}\n{' }, { "content-type": "application/x-ndjson" }, /the last line has no end/],
    ["a body where none is told of", { status: 204, text: "x" }, { etag: null }, /has a body/],
  ];
  test.each(cases)("%s", (_what, answer, headers, reason) => {
    expect(judged(answer, headers).join("\n")).toMatch(reason);
  });
});
