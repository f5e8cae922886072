import { describe, expect, test } from "bun:test";
import { openTestApi, type Sent, type TestApi } from "./api";
import { expectProblem } from "./problem";

const PAGE = "https://console.example.org";

function preflight(origin: string, method = "PATCH"): Sent {
  return { token: null, headers: { origin, "access-control-request-method": method, "access-control-request-headers": "authorization" } };
}

function corsHeaders({ headers }: { headers: Headers }): string[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-") || name === "vary");
}

describe("without CORS_ORIGINS", () => {
  test("nothing is said of origins, and OPTIONS can be done nowhere", async () => {
    await using api = await openTestApi();
    const asked = await api.request("OPTIONS", "/v1/sensors/boiler-7", preflight(PAGE));
    expectProblem(asked, 401);
    expectProblem(await api.request("OPTIONS", "/v1/sensors"), 405);
    const answer = await api.request("GET", "/v1/sensors", { headers: { origin: PAGE } });
    expect([corsHeaders(asked), corsHeaders(answer), answer.status]).toEqual([[], [], 200]);
  });
});

describe("with CORS_ORIGINS", () => {
  const open = (origins: string[]): Promise<TestApi> => openTestApi({ edge: { corsOrigins: origins } });

  test("a page of such an origin is told what it may ask for, without a token", async () => {
    await using api = await open([PAGE]);
    const answer = await api.request("OPTIONS", "/v1/sensors/boiler-7", preflight(PAGE));
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe(PAGE);
    expect(answer.headers.get("access-control-allow-methods")).toBe("DELETE, GET, HEAD, PATCH, PUT");
    expect(answer.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(answer.headers.get("access-control-max-age")).toBe("600");
    expect(answer.headers.get("vary")).toBe("origin");
    expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
  });

  test("its answers may be read, the refusals too, with their headers", async () => {
    await using api = await open(["https://other.example.org", PAGE]);
    for (const [status, sent] of [
      [200, {}],
      [401, { token: null }],
    ] as const) {
      const answer = await api.request("GET", "/v1/sensors", { ...sent, headers: { origin: PAGE } });
      expect([answer.status, answer.headers.get("access-control-allow-origin"), answer.headers.get("vary")]).toEqual([
        status,
        PAGE,
        "origin",
      ]);
      expect(answer.headers.get("access-control-expose-headers")?.split(", ")).toEqual(
        expect.arrayContaining([
          "etag",
          "location",
          "ratelimit",
          "ratelimit-policy",
          "retry-after",
          "x-request-id",
          "idempotency-replayed",
        ]),
      );
      expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
    }
  });

  test.each([
    "https://evil.example.org",
    "http://console.example.org",
    "https://console.example.org:8443",
    "https://console.example.org.evil.com",
    "null",
    "",
  ])("a page of another one, %p, is told nothing", async (origin) => {
    await using api = await open([PAGE]);
    const asked = await api.request("OPTIONS", "/v1/sensors", preflight(origin));
    expectProblem(asked, 401);
    const answer = await api.request("GET", "/v1/sensors", { headers: { origin } });
    expect([corsHeaders(asked), corsHeaders(answer), answer.status]).toEqual([["vary"], ["vary"], 200]);
  });

  test("* is for all of them, the same for each", async () => {
    await using api = await open(["*"]);
    const asked = await api.request("OPTIONS", "/v1/sensors", preflight("https://anybody.example.org", "POST"));
    expect([asked.status, asked.headers.get("access-control-allow-origin"), asked.headers.has("vary")]).toEqual([204, "*", false]);
    const answer = await api.request("GET", "/v1/sensors", { headers: { origin: "null" } });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });

  test("what is no preflight, or asks for nothing that is there, goes its usual way", async () => {
    await using api = await open([PAGE]);
    expectProblem(await api.request("OPTIONS", "/v1/sensors", { headers: { origin: PAGE } }), 405);
    expectProblem(await api.request("OPTIONS", "/v1/nothing", preflight(PAGE)), 401);
    expectProblem(await api.request("OPTIONS", "/v1/sensors", { headers: { "access-control-request-method": "POST" } }), 405);
  });

  test("preflights count for the address that they come from", async () => {
    await using api = await openTestApi({ edge: { corsOrigins: [PAGE], perAddress: { perSecond: 1 / 3600, burst: 1 } } });
    expect((await api.request("OPTIONS", "/v1/sensors", preflight(PAGE))).status).toBe(204);
    const refused = await api.request("OPTIONS", "/v1/sensors", preflight(PAGE));
    expectProblem(refused, 429);
    expect(refused.headers.get("access-control-allow-origin")).toBe(PAGE);
  });
});

test("only behind TLS of a proxy that is trusted a browser is told to come by TLS alone", async () => {
  const strict = async (trustedProxies: string[], scheme: string) => {
    await using api = await openTestApi({ edge: { trustedProxies } });
    return (await api.request("GET", "/swagger", { headers: { "x-forwarded-proto": scheme } })).headers.get("strict-transport-security");
  };
  expect(await strict(["127.0.0.1"], "https")).toBe("max-age=31536000");
  expect([await strict(["127.0.0.1"], "http"), await strict([], "https")]).toEqual([null, null]);
});
