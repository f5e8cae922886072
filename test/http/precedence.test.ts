import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BODY_BYTES_MAX } from "../../src/http/document/operation";
import { ADMIN_TOKEN, openTestApi, type Sent, type TestApi } from "./api";
import { expectProblem } from "./problem";
import { headOf, rawRequest } from "./rawRequest";

let api: TestApi;
let reader: string;
beforeAll(async () => {
  api = await openTestApi();
  reader = (await api.mint(["sensors:read"])).token;
});
afterAll(() => api[Symbol.asyncDispose]());

const HUGE = "x".repeat(BODY_BYTES_MAX + 1);

describe("what is wrong first is answered first", () => {
  /** Each request is wrong in the way that is named and in every way that comes later. */
  const wrong: [status: number, method: string, path: string, sent: Sent][] = [
    [401, "POST", "/v1/nothing", { token: null, type: "text/plain", body: HUGE }],
    [401, "POST", "/v1/sensors", { token: "not-a-token-of-ours", type: "text/plain", body: HUGE }],
    [404, "POST", "/v1/nothing", { type: "text/plain", body: HUGE }],
    [405, "DELETE", "/v1/sensors", { type: "text/plain", body: HUGE }],
    [415, "POST", "/v1/sensors?no=such", { type: "text/plain", body: HUGE }],
    [413, "POST", "/v1/sensors?no=such", { body: HUGE }],
    [400, "POST", "/v1/sensors?no=such", { body: "{", token: "reader" }],
    [403, "POST", "/v1/sensors?no=such", { json: {}, token: "reader" }],
    [403, "POST", "/v1/sensors//reports", { json: {}, token: "reader" }],
    [422, "POST", "/v1/sensors?no=such", { json: {} }],
  ];
  for (const [status, method, path, sent] of wrong) {
    test(`${status} for ${method} ${path}`, async () => {
      const token = sent.token === "reader" ? { token: reader } : {};
      expectProblem(await api.request(method, path, { ...sent, ...token }), status);
    });
  }

  test("a path that nobody serves is not told to whoever has no token", async () => {
    for (const path of ["/", "/v1", "/v1/sensors", "/v2/sensors", "/swagger/nothing", "/livez/", "/metrics/x", "/LIVEZ"]) {
      expectProblem(await api.request("GET", path, { token: null }), 401);
    }
  });

  test("a 405 says what can be done", async () => {
    const answer = await api.request("POST", "/v1/sensors/boiler-7", { json: {} });
    expectProblem(answer, 405);
    expect(answer.headers.get("allow")).toBe("DELETE, GET, HEAD, PATCH, PUT");
    expectProblem(await api.request("POST", "/livez", { token: null }), 405);
    expectProblem(await api.request("OPTIONS", "/v1/sensors"), 405);
  });
});

describe("a body", () => {
  const POST = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };

  test("must be JSON in UTF-8: 400", async () => {
    const bodies = ["", "{", "{}x", "\ufeff{}", "nul", "'a'", '{"id":"a"', new Uint8Array([0x22, 0xff, 0x22]), "[".repeat(200_000)];
    for (const body of bodies) expectProblem(await api.request("POST", "/v1/sensors", { body }), 400);
  });

  test("that is nested without end is refused, and one that is nested deeply is not", async () => {
    const nested = (levels: number) => `{"id":"nested","metadata":{"m":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
    expectProblem(await api.request("POST", "/v1/sensors", { body: nested(400_000) }), 400);
    expectProblem(await api.request("POST", "/v1/sensors", { body: nested(99) }), 400);
    expect((await api.request("POST", "/v1/sensors", { body: nested(98) })).status).toBe(201);
    const brackets = JSON.stringify({ id: "brackets", name: `\\"${"[".repeat(200)}` });
    expect((await api.request("POST", "/v1/sensors", { body: brackets })).status).toBe(201);
  });

  test("must be an object where one is asked for: 422", async () => {
    for (const json of [null, [], "text", 7, true]) expectProblem(await api.request("POST", "/v1/sensors", { json }), 422);
  });

  test("must say that it is JSON, in UTF-8 and not compressed: 415", async () => {
    const body = '{"id":"typed"}';
    for (const type of [
      null,
      "text/plain",
      "text/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "application/json; charset=latin1",
    ]) {
      expectProblem(await api.request("POST", "/v1/sensors", { body, type }), 415);
    }
    expectProblem(await api.request("POST", "/v1/sensors", { body, type: "application/merge-patch+json" }), 415);
    expectProblem(await api.request("POST", "/v1/sensors", { body, headers: { "content-encoding": "gzip" } }), 415);
    expect((await api.request("POST", "/v1/sensors", { body, type: "Application/JSON; Charset=UTF-8" })).status).toBe(201);
  });

  test("of a MiB is read, of one byte more is not: 413, announced or in chunks", async () => {
    const padded = (bytes: number) => `{"id":"padded-${bytes}"}`.padEnd(bytes);
    expect((await api.request("POST", "/v1/sensors", { body: padded(BODY_BYTES_MAX) })).status).toBe(201);
    expectProblem(await api.request("POST", "/v1/sensors", { body: padded(BODY_BYTES_MAX + 1) }), 413);
    expect((await postChunked(padded(BODY_BYTES_MAX - 1))).status).toBe(201);
    const refused = await postChunked(padded(BODY_BYTES_MAX + 1));
    expect(refused.status).toBe(413);
    expect(refused.head.toLowerCase()).toContain("application/problem+json");
  });

  test("that never ends is refused when it has grown too long", async () => {
    const head = headOf("POST", "/v1/sensors", { ...POST, "transfer-encoding": "chunked" });
    const { status } = await rawRequest(api.url, [head, ...Array<Uint8Array>(20).fill(chunkOf("x".repeat(64 * 1024)))]);
    expect(status).toBe(413);
  });

  test("that is announced as endless is refused before it comes", async () => {
    const head = headOf("POST", "/v1/sensors", { ...POST, "content-length": "1000000000000" });
    expect((await rawRequest(api.url, [head, "{"])).status).toBe(413);
  });

  test("that an operation does not take is not read", async () => {
    const { id } = (await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } })).json<{ id: string }>();
    expect((await api.request("POST", `/v1/webhooks/${id}/test`, { body: "{", type: "text/plain" })).status).toBe(200);
  });

  function postChunked(text: string) {
    const head = headOf("POST", "/v1/sensors", { ...POST, "transfer-encoding": "chunked" });
    const middle = Math.floor(text.length / 2);
    return rawRequest(api.url, [head, chunkOf(text.slice(0, middle)), chunkOf(text.slice(middle)), "0\r\n\r\n"]);
  }
});

function chunkOf(text: string): Uint8Array {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}

test.each(["toString", "\\u0074oString"])("a value that is not as it must be is a 422, also where it has a member %s", async (member) => {
  const odd = `{"${member}":""}`;
  for (const [path, body] of [
    ["/v1/sensors/a/reports", `{"status":"ok","at":${odd}}`],
    ["/v1/sensors/a/reports", `{"status":${odd}}`],
    ["/v1/sensors", `{"id":"b","name":${odd},"labels":{"c":${odd}}}`],
  ] as const) {
    const answer = await api.request("POST", path, { body });
    expect({ body, status: answer.status }).toEqual({ body, status: 422 });
  }
  const kept = await api.request("PUT", "/v1/sensors/b", { body: `{"metadata":${odd}}` });
  expect(kept.json<{ metadata: object }>().metadata).toEqual(JSON.parse(odd) as object);
});

describe("every answer", () => {
  test("carries a request id, the caller's own if it is fit for a log", async () => {
    const own = await api.request("GET", "/v1/sensors", { headers: { "x-request-id": "trace-7.a:b" } });
    expect(own.headers.get("x-request-id")).toBe("trace-7.a:b");
    const unfit = await api.request("GET", "/v1/sensors", { headers: { "x-request-id": "a b {}" } });
    expect(unfit.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    for (const path of ["/livez", "/readyz", "/metrics", "/swagger", "/swagger/json", "/nothing"]) {
      expect((await api.request("GET", path, { token: null })).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test("is not guessed at, not kept by caches and not framed", async () => {
    for (const path of ["/livez", "/v1/sensors", "/v1/nothing", "/swagger"]) {
      const { headers } = await api.request("GET", path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("cache-control")).toMatch(/^no-/);
    }
  });

  test("to HEAD is that to GET without its body", async () => {
    for (const path of ["/v1/sensors", "/livez", "/v1/nothing", "/v1/sensors/nobody"]) {
      const [get, head] = [await api.request("GET", path), await api.request("HEAD", path)];
      expect({ status: head.status, text: head.text }).toEqual({ status: get.status, text: "" });
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    }
  });

  test("is counted by the path's pattern, never by the path itself", async () => {
    await api.request("GET", "/v1/sensors/a-name-of-its-own");
    await api.request("GET", "/v1/nothing/a-name-of-its-own");
    const { text } = await api.request("GET", "/metrics");
    expect(text).toContain('tocsin_http_request_seconds_count{method="GET",route="/v1/sensors/:id",status="404"}');
    expect(text).toContain('route="unmatched",status="404"');
    expect(text).not.toContain("a-name-of-its-own");
  });
});

test("a short host name hides no part of the path", async () => {
  for (const host of ["a", "web", "k8s.x"]) {
    const head = headOf("GET", "/v1/sensors?limit=1", { host, authorization: `Bearer ${ADMIN_TOKEN}` });
    expect((await rawRequest(api.url, [head])).status).toBe(200);
  }
});

test("a request without a host is answered like any other, by the path that it would have with one", async () => {
  const token = `authorization: Bearer ${ADMIN_TOKEN}`;
  const lines = (...all: string[]) => [[...all, "", ""].join("\r\n")];
  for (const [status, request] of [
    [200, lines("GET /livez HTTP/1.0")],
    [200, lines("GET /livez HTTP/1.1", "Host:")],
    [200, lines("HEAD /livez HTTP/1.0")],
    [200, lines("GET /v1/sensors?limit=1 HTTP/1.0", token)],
    [422, lines("GET /v1/sensors?no=such HTTP/1.0", token)],
    [401, lines("GET /v1/sensors HTTP/1.0")],
    [401, lines("GET /livez/../v1/tokens HTTP/1.0")],
    [403, lines("GET /v1/sensors/../tokens HTTP/1.0", `authorization: Bearer ${reader}`)],
    [404, lines("GET //livez HTTP/1.0", token)],
  ] as const) {
    expect([request, (await rawRequest(api.url, request)).status]).toEqual([request, status]);
  }
  const body = '{"id":"hostless-1"}';
  const head = ["POST /v1/sensors HTTP/1.0", token, "content-type: application/json", `content-length: ${body.length}`, "", ""];
  expect((await rawRequest(api.url, [head.join("\r\n"), body])).status).toBe(201);
});

test("a fault of ours is a 500 without its text, and logged", async () => {
  await using broken = await openTestApi({
    store: (real) => ({
      ...real,
      listSensors: () => Promise.reject(Object.assign(new Error("secret of the house"), { code: "NOT_FOUND", status: 404 })),
    }),
  });
  const answer = await broken.request("GET", "/v1/sensors");
  expectProblem(answer, 500);
  expect(answer.text).not.toContain("secret");
  expect(String(broken.faults[0])).toContain("secret of the house");
});
