import { describe, expect, test } from "bun:test";
import { createMemoryBuckets } from "../../src/cache/memoryBuckets";
import type { Caller } from "../../src/http/who/bearers";
import { createRates } from "../../src/http/gate/rates";
import { openTestApi } from "./api";
import { expectProblem } from "./problem";

/** So slow that nothing comes in while a test runs. */
const perSecond = 1 / 3600;

describe("a token", () => {
  test("may ask so often at once, is told what is left, and then to come again", async () => {
    await using api = await openTestApi({ edge: { perToken: { perSecond, burst: 3 }, buckets: createMemoryBuckets() } });
    const { token } = await api.mint(["sensors:read"]);
    const answers = [];
    for (let time = 0; time < 4; time += 1) answers.push(await api.request("GET", "/v1/sensors", { token }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers.map(({ headers }) => headers.get("ratelimit-policy"))).toEqual(Array<string>(4).fill('"token";q=3;w=10800'));
    expect(answers[0]?.headers.get("ratelimit")).toMatch(/^"token";r=2;t=3600$/);
    expect(answers[2]?.headers.get("ratelimit")).toMatch(/^"token";r=0;t=10800$/);
    const refused = answers[3];
    if (refused === undefined) throw new Error("there was no fourth answer");
    expectProblem(refused, 429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(3500);
    expect(refused.headers.get("ratelimit")).toMatch(/^"token";r=0;t=10800$/);
    expect((await api.request("GET", "/v1/sensors")).status).toBe(200);
    const { text } = await api.request("GET", "/metrics", { token: null });
    expect(text).toContain('tocsin_http_limited_total{limit="token"} 1');
  });

  test("is counted for whatever it is answered, but not before it was found valid", async () => {
    await using api = await openTestApi({ edge: { perToken: { perSecond, burst: 100 } } });
    const left = async (path: string) => (await api.request("GET", path)).headers.get("ratelimit");
    const before = await left("/v1/sensors");
    for (const path of ["/v1/nothing", "/v1/sensors/nobody", "/v1/sensors?no=such"]) await left(path);
    expect([before, await left("/v1/sensors")]).toEqual(['"token";r=99;t=3600', '"token";r=95;t=18000']);
    expect((await api.request("GET", "/v1/sensors", { token: null })).headers.has("ratelimit")).toBe(false);
  });

  test("whose rate allows one in less than a second is told to wait for a whole one", async () => {
    await using api = await openTestApi({ edge: { perToken: { perSecond: 2, burst: 1 } } });
    await api.request("GET", "/v1/sensors");
    const answer = await api.request("GET", "/v1/sensors");
    // A slow machine may be let in again.
    if (answer.status === 429) expect(answer.headers.get("retry-after")).toBe("1");
    else expect(answer.status).toBe(200);
  });
});

describe("an address", () => {
  test("may ask so often, whoever asks, and whatever for: but for the probes", async () => {
    await using api = await openTestApi({ edge: { perAddress: { perSecond, burst: 4 }, perToken: { perSecond, burst: 10 } } });
    const first = await api.request("GET", "/v1/sensors");
    expect(first.headers.get("ratelimit-policy")).toBe('"token";q=10;w=36000, "address";q=4;w=14400');
    expect(first.headers.get("ratelimit")).toBe('"address";r=3;t=3600');
    const page = await api.request("GET", "/swagger", { token: null });
    expect([page.status, page.headers.has("ratelimit")]).toEqual([200, false]);
    const unknown = await api.request("GET", "/v1/nothing", { token: null });
    expect([unknown.status, unknown.headers.has("ratelimit")]).toEqual([401, false]);
    expect((await api.request("GET", "/swagger/json", { token: null })).status).toBe(200);
    for (const path of ["/v1/sensors", "/v1/nothing", "/swagger"]) expectProblem(await api.request("GET", path), 429);
    expectProblem(await api.request("GET", "/v1/sensors", { token: null }), 429);
    for (const path of ["/livez", "/readyz", "/metrics"]) {
      const probe = await api.request("GET", path, { token: null });
      expect([path, probe.status, probe.headers.has("ratelimit")]).toEqual([path, 200, false]);
    }
  });

  test("is the client's, behind a proxy that is trusted; what a stranger says of itself counts nothing", async () => {
    const perAddress = { perSecond, burst: 1 };
    const ask = async (trustedProxies: string[]) => {
      await using api = await openTestApi({ edge: { perAddress, trustedProxies } });
      const from = async (client: string) => (await api.request("GET", "/v1/sensors", { headers: { "x-forwarded-for": client } })).status;
      return [
        await from("198.51.100.1"),
        await from("198.51.100.2"),
        await from("198.51.100.1"),
        await from("2001:db8::1"),
        await from("2001:db8::2"),
      ];
    };
    expect(await ask(["127.0.0.1"])).toEqual([200, 200, 429, 200, 429]);
    expect(await ask([])).toEqual([200, 429, 429, 429, 429]);
  });
});

test("without limits nothing is told of any", async () => {
  await using api = await openTestApi();
  const { headers } = await api.request("GET", "/v1/sensors");
  expect([headers.has("ratelimit"), headers.has("ratelimit-policy")]).toEqual([false, false]);
});

describe("a large request", () => {
  const admin: Caller = { kind: "admin", id: "admin", name: "ADMIN_TOKEN", scopes: ["admin"], reach: null };

  test("is slowed down to the pace of its token, and goes on credit no further than it waits", async () => {
    const buckets = createMemoryBuckets();
    const rates = createRates({ buckets, perToken: { perSecond: 50, burst: 10 }, perAddress: null });
    const startedAt = performance.now();
    for (let item = 0; item < 5; item += 1) await rates.charge(admin, 5);
    // 25 were charged, of which 10 were there; timers may be early by a millisecond.
    expect(performance.now() - startedAt).toBeGreaterThan(290);
  });

  test("of nobody who has a rate waits for nothing", async () => {
    const buckets = { ...createMemoryBuckets(), charge: () => Promise.reject(new Error("nobody is charged")) };
    await createRates({ buckets, perToken: null, perAddress: null }).charge(admin, 1e9);
    await createRates({ buckets, perToken: { perSecond: 1, burst: 1 }, perAddress: null }).charge(null, 1e9);
  });
});

test("a bulk request costs one more for each hundred items begun", async () => {
  await using api = await openTestApi({ edge: { perToken: { perSecond, burst: 100 }, buckets: createMemoryBuckets() } });
  const post = (items: number) => {
    const body = Array.from({ length: items }, (_, index) => `{"sensorId":"s","status":"ok","id":"${items}-${index}"}\n`).join("");
    return api.request("POST", "/v1/reports", { body, type: "application/x-ndjson" });
  };
  const left = async () => Number(/r=(\d+)/.exec((await api.request("GET", "/v1/sensors")).headers.get("ratelimit") ?? "")?.[1]);
  const before = await left();
  expect((await post(1)).status).toBe(202);
  expect(before - (await left())).toBe(3);
  expect((await post(901)).status).toBe(202);
  expect(before - 3 - (await left())).toBe(12);
});
