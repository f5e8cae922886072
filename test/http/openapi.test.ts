import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { idleApi } from "../../build/document";
import { type Answer, openTestApi, type TestApi } from "./api";
import { undocumented, unlike } from "./contract/judge";
import { type Described, misfits, type OpenapiDocument, type Operation, operationsOf, resolved, type ResponseObject } from "./document";
import { type Call, goodCalls, type Made, makeThings } from "./goodCalls";

let api: TestApi;
let powerless: string;
let document: OpenapiDocument;
let operations: Map<string, Described>;
let made: Made;

beforeAll(async () => {
  api = await openTestApi();
  document = (await api.request("GET", "/swagger/json", { token: null })).json<OpenapiDocument>();
  operations = new Map(operationsOf(document).map((described) => [described.operation.operationId, described]));
  powerless = (await api.mint(["deliveries:write"])).token;
  made = await makeThings(api);
});
afterAll(() => api[Symbol.asyncDispose]());

function ask({ method, path }: Described, { id = "", keyId = "", query, ...sent }: Call): Promise<Answer> {
  return api.request(
    method,
    `${path.replace(/\{(id|status)\}/, id).replace("{keyId}", keyId)}${query === undefined ? "" : `?${query}`}`,
    sent,
  );
}

const STREAMED = ["application/json", "application/x-ndjson", "application/jsonl"];
/** By operation or method; any other takes JSON alone. */
const BODY_TYPES: Readonly<Record<string, string[]>> = {
  PATCH: ["application/merge-patch+json", "application/json"],
  postReports: STREAMED,
  putSensors: STREAMED,
};

/** A dot segment is resolved before it is sent, and may name another resource. */
function isElsewhere({ path }: Described, { id }: Call): boolean {
  return id === ".." && Object.hasOwn(document.paths, new URL(path.replace("{id}", id), api.url).pathname);
}

describe("the OpenAPI document", () => {
  test("is valid OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document) as unknown as Record<string, unknown>);
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(document.openapi).toStartWith("3.1");
  });

  test("describes every route that is served, and no other", () => {
    const isPage = ({ path }: { path: string }) => path.startsWith("/swagger") || path === "/client.js";
    const served = idleApi()
      .routes.filter((route) => !isPage(route))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = [...operations.values()].map(({ method, path }) => `${method} ${path}`);
    expect(served.toSorted()).toEqual(described.toSorted());
  });

  test("says of every operation what it is, what it takes, who may call it and how it is refused", () => {
    for (const { method, path, operation } of operations.values()) {
      const { operationId, summary, tags, security, requestBody, responses } = operation;
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect(summary.length).toBeGreaterThan(5);
      expect(document.tags.map(({ name }) => name)).toContain(tags[0] as string);
      const open = !path.startsWith("/v1/");
      expect(security).toEqual(open ? [] : [{ bearer: [expect.any(String)] as string[] }]);
      const statuses = Object.keys(responses);
      if (!open) expect(statuses).toEqual(expect.arrayContaining(["401", "403", "422", "500", "503"]));
      if (path.includes("{id}")) expect(statuses).toContain("404");
      expect(requestBody !== undefined).toBe(
        ["POST", "PUT", "PATCH"].includes(method) && !/\/(test|retry|cancel|dead-letters\/\{id\}\/replay)$/.test(path),
      );
      if (requestBody === undefined) continue;
      expect(requestBody.required).toBe(operationId !== "rotateSecret");
      expect(statuses).toEqual(expect.arrayContaining(["400", "413", "415"]));
      expect(Object.keys(requestBody.content)).toEqual(BODY_TYPES[operationId] ?? BODY_TYPES[method] ?? ["application/json"]);
      expect(operation["x-body-bytes-max"]).toBeGreaterThan(0);
    }
  });

  test("gives examples of bodies that are taken", () => {
    for (const { operation } of operations.values()) {
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
        const { examples = [] } = resolved(schema, document.components.schemas);
        expect(examples.length).toBeGreaterThan(0);
        for (const example of examples) expect(misfits(example, schema, document)).toEqual([]);
      }
    }
  });

  test("names every model once, and none that nobody refers to", () => {
    const text = JSON.stringify(document);
    for (const name of Object.keys(document.components.schemas)) expect(text).toContain(`"#/components/schemas/${name}"`);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(document.components.schemas).toHaveProperty([name as string]);
  });
});

describe("what the document says is what happens", () => {
  test("when every operation is called rightly", async () => {
    const calls = goodCalls(made);
    expect(Object.keys(calls).toSorted()).toEqual([...operations.keys()].toSorted());
    for (const [operationId, call] of Object.entries(calls)) {
      const described = operations.get(operationId) as Described;
      const answer = await ask(described, call);
      expect({ operationId, wrong: undocumented(described, answer, document) }).toEqual({ operationId, wrong: [] });
      expect({ operationId, status: answer.status < 300, text: answer.text }).toEqual({ operationId, status: true, text: answer.text });
    }
  });

  test("when every operation is called wrongly in every way that we can think of", async () => {
    let refusals = 0;
    for (const [operationId, good] of Object.entries(goodCalls(made))) {
      const described = operations.get(operationId) as Described;
      if (described.operation.security.length === 0) continue;
      for (const bad of badCalls(described.operation, good).filter((each) => !isElsewhere(described, each))) {
        const answer = await ask(described, bad);
        expect({ operationId, bad, wrong: undocumented(described, answer, document) }).toEqual({ operationId, bad, wrong: [] });
        if (answer.status >= 400) refusals += 1;
      }
    }
    expect(refusals).toBeGreaterThan(500);
    expect(api.faults).toEqual([]);
  }, 60_000);

  test("when what is not described is tried: 405, with what is", async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const described = Object.keys(methods).map((method) => method.toUpperCase());
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter((each) => !described.includes(each))) {
        const answer = await api.request(method, path.replaceAll(/\{\w+\}/g, "x"), { json: method === "GET" ? undefined : {} });
        expect({ method, path, status: answer.status }).toEqual({ method, path, status: 405 });
        const allowed = described.includes("GET") ? [...described, "HEAD"] : described;
        expect(answer.headers.get("allow")).toBe(allowed.toSorted().join(", "));
        const told = document.components.responses["MethodNotAllowed"] as ResponseObject;
        expect({ method, path, wrong: unlike(told, { ...answer, method }, document) }).toEqual({ method, path, wrong: [] });
      }
    }
  });
});

const ODD_TEXTS = ["", " ", "a.b", "*", "%00", "%E0%A4%A", "..", "x".repeat(3000), "%F0%9F%94%94", "-1", "1e9", "null", "'or 1=1--"];
const ODD_VALUES = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  "",
  "a.b",
  "\u0000",
  "\ud800",
  "x".repeat(5000),
  [],
  [null],
  [[]],
  {},
  { a: { b: null } },
];

function badCalls({ parameters = [], requestBody }: Operation, good: Call): Call[] {
  const calls: Call[] = [
    { ...good, token: null },
    { ...good, token: "none-of-ours-at-all" },
    { ...good, token: powerless },
    { ...good, query: "unknown=1" },
  ];
  for (const { name, in: place } of parameters) {
    for (const text of ODD_TEXTS) {
      // Whoever asks resolves it by themselves, and asks for another resource.
      if (place === "path" && text === "..") continue;
      if (place === "path") calls.push({ ...good, id: text });
      else if (place === "query") calls.push({ ...good, query: `${name}=${text}` }, { ...good, query: `${name}=${text}&${name}=1` });
      else if (!text.includes("%")) calls.push({ ...good, headers: { [name]: text } });
    }
    if (place === "path") calls.push({ ...good, id: "nobody-of-this-name" });
    if (place === "header") calls.push({ ...good, headers: { [name]: '"999"' } });
  }
  return requestBody === undefined ? calls : [...calls, ...badBodies(Object.values(requestBody.content)[0]?.schema ?? {}, good)];
}

function badBodies(schema: Parameters<typeof resolved>[0], { json, ...good }: Call): Call[] {
  const properties = Object.keys(resolved(schema, document.components.schemas).properties ?? {});
  const whole = json as Record<string, unknown>;
  return [
    ...["", "{", "[", "\u0000", '{"a":1,}', `{"a":"${"x".repeat(1024 * 1024)}"}`].map((body) => ({ ...good, body })),
    ...[null, "text/plain", "application/xml"].map((type) => ({ ...good, json, type })),
    ...ODD_VALUES.map((value) => ({ ...good, json: value })),
    ...[...properties, "unknown", "__proto__"].flatMap((name) =>
      ODD_VALUES.map((value) => ({
        ...good,
        body: JSON.stringify(whole).replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`),
      })),
    ),
    ...properties.map((name) => ({ ...good, json: Object.fromEntries(Object.entries(whole).filter(([each]) => each !== name)) })),
  ];
}
