import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestApi, type Answer, type TestApi } from "./api";
import { goodCalls, makeThings } from "./goodCalls";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Declared {
  readonly operationId: string;
  readonly responses: Record<string, { content?: Record<string, unknown> }>;
}

/** Every operation of the document, with its method and path. */
async function operations(): Promise<(Declared & { method: string; path: string })[]> {
  const document = (await api.request("GET", "/swagger/json")).json<{ paths: Record<string, Record<string, Declared>> }>();
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, declared]) => ({ ...declared, method: method.toUpperCase(), path })),
  );
}

const typeOf = ({ headers }: Answer) => headers.get("content-type");

test("every operation answers in the very type that the document names, without a parameter where that is JSON", async () => {
  const declared = new Map((await operations()).map((each) => [each.operationId, each]));
  const calls = Object.entries(goodCalls(await makeThings(api)));
  expect(calls.map(([operationId]) => operationId).toSorted()).toEqual([...declared.keys()].toSorted());
  let json = 0;
  for (const [operationId, { id = "", keyId = "", query, ...sent }] of calls) {
    const { method, path, responses } = declared.get(operationId) as Declared & { method: string; path: string };
    const filled = path.replace("{id}", id).replace("{status}", id).replace("{keyId}", keyId);
    const answer = await api.request(method, `${filled}${query === undefined ? "" : `?${query}`}`, sent);
    const types = Object.keys(responses[answer.status]?.content ?? {});
    if (types.length === 0) {
      expect([operationId, answer.status, typeOf(answer)]).toEqual([operationId, answer.status, null]);
      continue;
    }
    const type = typeOf(answer) ?? "";
    const [bare = ""] = type.split(";");
    expect([operationId, types]).toEqual([operationId, expect.arrayContaining([bare])]);
    if (bare.includes("json")) expect([operationId, type]).toEqual([operationId, bare]);
    if (type === "application/json") json += 1;
  }
  expect(json).toBeGreaterThan(30);
});

test("every operation that needs a token refuses in application/problem+json, as does whatever else is refused", async () => {
  for (const { operationId, method, path } of await operations()) {
    const answer = await api.request(method, path.replaceAll(/\{\w+\}/g, "x"), { token: null });
    if (answer.status < 400) continue;
    expect([operationId, typeOf(answer)]).toEqual([operationId, "application/problem+json"]);
  }
  for (const [method, path, status] of [
    ["GET", "/v1/nothing", 404],
    ["DELETE", "/v1/sensors", 405],
    ["GET", "/v1/sensors?limit=0", 422],
  ] as const) {
    const answer = await api.request(method, path);
    expect([path, answer.status, typeOf(answer)]).toEqual([path, status, "application/problem+json"]);
  }
  expect(typeOf(await api.request("GET", "/swagger/json", { token: null }))).toBe("application/json");
});
