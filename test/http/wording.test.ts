/** What callers are told, in one voice: what a field must be, and nothing that a library says. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Answer, openTestApi, type TestApi } from "./api";
import { type OpenapiDocument, operationsOf, responseTo } from "./document";
import { expectProblem } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$";
const LABEL_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$";

describe("what is wrong with a field is told by what it must be", () => {
  const cases: readonly { name: string; path: string; json: object; errors: Readonly<Record<string, string>> }[] = [
    {
      name: "of a sensor",
      path: "/v1/sensors",
      json: { id: "a b", nmae: "", labels: { "a b": "c", site: 5 }, metadata: [], heartbeat: { intervalSeconds: 0, graceSeconds: 9e9 } },
      errors: {
        "/id": `must match ${ID_PATTERN}`,
        "/nmae": "is not a known field",
        "/labels/a b": `has a name that does not match ${LABEL_PATTERN}`,
        "/labels/site": "must be a string",
        "/metadata": "must be an object",
        "/heartbeat/intervalSeconds": "must be at least 1",
        "/heartbeat/graceSeconds": "must be at most 2678400",
      },
    },
    {
      name: "that is text",
      path: "/v1/sensors",
      json: { id: "a", name: "", labels: { long: "x".repeat(257), broken: "\0" }, heartbeat: { intervalSeconds: 1.5 } },
      errors: {
        "/name": "must have at least 1 character",
        "/labels/long": "must have at most 256 characters",
        "/labels/broken": "contains a character that is not allowed (U+0000 or an unpaired surrogate)",
        "/heartbeat/intervalSeconds": "must be an integer",
      },
    },
    { name: "that is missing", path: "/v1/sensors", json: {}, errors: { "/id": "is missing" } },
    { name: "that is all of the body", path: "/v1/sensors", json: [], errors: { "": "must be an object" } },
    { name: "that is a list", path: "/v1/tokens", json: { name: "a", scopes: [] }, errors: { "/scopes": "must have at least 1 item" } },
    {
      name: "that is a list with the same twice",
      path: "/v1/tokens",
      json: { name: "a", scopes: ["admin", "admin"] },
      errors: { "/scopes": "must not contain duplicates" },
    },
    {
      name: "that lies in the past",
      path: "/v1/tokens",
      json: { name: "a", scopes: ["admin"], expiresAt: "2020-01-01T00:00:00Z" },
      errors: { "/expiresAt": "lies in the past" },
    },
    {
      name: "of a report",
      path: "/v1/sensors/a/reports",
      json: { status: "Hot", value: "5", attributes: 1 },
      errors: { "/status": "must match ^[a-z0-9][a-z0-9_.-]{0,63}$", "/value": "must be a number", "/attributes": "must be an object" },
    },
  ];
  for (const { name, path, json, errors } of cases) {
    test(name, async () => {
      const answer = await api.request("POST", path, { json });
      expectProblem(answer, 422);
      const told = answer.json<{ errors: { pointer: string; message: string }[] }>().errors;
      expect(Object.fromEntries(told.map(({ pointer, message }) => [pointer, message]))).toEqual(errors);
    });
  }

  test("of a query", async () => {
    const messageOf = async (query: string) => {
      const answer = await api.request("GET", `/v1/sensors?${query}`);
      expectProblem(answer, 422);
      return answer.json<{ errors: { message: string }[] }>().errors[0]?.message;
    };
    expect(await messageOf("limit=0")).toBe("must be at least 1");
    expect(await messageOf("limit=x")).toBe("must be an integer");
    expect(await messageOf("label=site")).toBe("must be a key and a value, such as site:north");
    expect(await messageOf(Array.from({ length: 65 }, (_, index) => `label=l${index}:x`).join("&"))).toBe("may be given at most 64 times");
  });
});

describe("what is refused before that", () => {
  const detailOf = (answer: Answer) => answer.json<{ detail: string }>().detail;
  const send = (path: string, body: string, type = "application/json") => api.request("POST", path, { type, body });

  test("names what can be done", async () => {
    expect(detailOf(await api.request("DELETE", "/v1/sensors"))).toBe("DELETE is not allowed here; allowed are GET, HEAD, POST, PUT.");
  });

  test("names the types of a body", async () => {
    const answer = await send("/v1/reports", "a", "text/csv");
    expect(detailOf(answer)).toBe("Send the body as application/json, application/x-ndjson or application/jsonl, in UTF-8.");
  });

  test("tells an empty body from one that is no JSON", async () => {
    expect(detailOf(await send("/v1/sensors", ""))).toBe("The body is empty.");
    expect(detailOf(await send("/v1/sensors", "{"))).toBe("The body is not JSON in UTF-8.");
  });
});

describe("the document", () => {
  const read = async () => (await api.request("GET", "/swagger/json", { token: null })).json<OpenapiDocument>();

  test("shows a parameter by a value that somebody would send", async () => {
    const shown = operationsOf(await read()).flatMap(({ operation: { operationId, parameters = [] } }) =>
      parameters.map(({ name, schema, example }) => ({ name: `${operationId} ${name}`, value: example ?? schema.examples?.[0] })),
    );
    expect(shown.length).toBeGreaterThan(50);
    expect(shown.filter(({ value }) => [value].flat().some((each) => each === undefined || each === "text"))).toEqual([]);
  });

  test("tells of a replayed answer where answers are kept, and of one report they are not", async () => {
    const document = await read();
    const headersOf = (id: string, status: number) => {
      const found = operationsOf(document).find(({ operation }) => operation.operationId === id);
      return Object.keys((found === undefined ? null : responseTo(found.operation, status, document))?.headers ?? {});
    };
    expect(headersOf("createSensor", 201)).toContain("idempotency-replayed");
    expect(headersOf("postReport", 202)).toContain("x-request-id");
    expect(headersOf("postReport", 202)).not.toContain("idempotency-replayed");
  });
});
