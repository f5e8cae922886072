import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { headersOf, type MediaType, misfits, type OpenapiDocument, operationsOf, responseTo } from "./document";

let api: TestApi;
let document: OpenapiDocument;

beforeAll(async () => {
  api = await openTestApi();
  document = (await api.request("GET", "/swagger/json", { token: null })).json<OpenapiDocument>();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Empty when it is what its schema says; lines are looked at one by one. */
function wrongOf(type: string, { schema, example }: MediaType): string[] {
  if (example === undefined) return ["there is none"];
  if (type === "application/x-ndjson") {
    const lines = (example as string).trimEnd().split("\n");
    return lines.flatMap((line) => misfits(JSON.parse(line), schema, document));
  }
  return type.endsWith("json") ? misfits(example, schema, document) : misfits(example, { type: "string" }, document);
}

describe("the document's examples", () => {
  test("show every answer as its schema says it", () => {
    for (const { operation } of operationsOf(document)) {
      for (const status of Object.keys(operation.responses)) {
        const response = responseTo(operation, Number(status), document);
        for (const [type, media] of Object.entries(response?.content ?? {})) {
          const { operationId } = operation;
          expect({ operationId, status, type, wrong: wrongOf(type, media) }).toEqual({ operationId, status, type, wrong: [] });
        }
      }
    }
  });

  test("show nothing that was put in because nobody said what it is like", () => {
    for (const { operation } of operationsOf(document)) {
      const { operationId, responses } = operation;
      expect({ operationId, shown: JSON.stringify(responses) }).toEqual({
        operationId,
        shown: expect.not.stringMatching(/"example":.*"text"/) as string,
      });
    }
  });

  test("show every problem, each in its own words", () => {
    const details = Object.entries(document.components.responses).map(([name, { content = {} }]) => {
      const problem = content["application/problem+json"]?.example as { title: string; detail: string };
      expect({ name, wrong: misfits(problem, { $ref: "#/components/schemas/Problem" }, document) }).toEqual({ name, wrong: [] });
      expect(problem.detail).not.toBe(problem.title);
      return problem.detail;
    });
    expect(details.length).toBeGreaterThanOrEqual(13);
    expect(new Set(details).size).toBe(details.length);
  });

  test("show every parameter, which is described, too", () => {
    for (const { operation } of operationsOf(document)) {
      for (const { name, schema, description, example = schema.examples?.[0] } of operation.parameters ?? []) {
        const { operationId } = operation;
        const wrong = example === undefined ? ["there is none"] : misfits(example, schema, document);
        expect({ operationId, name, wrong, description }).toEqual({
          operationId,
          name,
          wrong: [],
          description: expect.any(String) as string,
        });
      }
    }
  });
});

test("every answer tells which headers it brings", () => {
  for (const { operation } of operationsOf(document)) {
    for (const status of Object.keys(operation.responses).map(Number)) {
      const response = responseTo(operation, status, document);
      const headers = response === null ? new Map() : headersOf(response, document);
      const wanted = ["x-request-id", "ratelimit", "ratelimit-policy"];
      if (status === 401) wanted.push("www-authenticate");
      if (status === 429 || status === 503) wanted.push("retry-after");
      if (status === 201) wanted.push("location");
      for (const name of wanted) {
        const { operationId } = operation;
        expect({ operationId, status, name, has: headers.has(name) }).toEqual({ operationId, status, name, has: true });
      }
      for (const { description } of headers.values()) expect(description).toMatch(/\w/);
    }
  }
});
