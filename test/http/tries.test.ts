import { describe, expect, setSystemTime, test } from "bun:test";
import { createMemoryBuckets } from "../../src/cache/memoryBuckets";
import { hashToken } from "../../src/domain/token";
import type { Store } from "../../src/store/store";
import { WRONG_TOKENS } from "../../src/http/who/tries";
import { until } from "../until";
import { openTestApi, type TestApi } from "./api";
import { expectProblem } from "./problem";
import { untaggedToken } from "./untaggedToken";

const wrongTokens = { ...WRONG_TOKENS, perSecond: 1 / 3600 };
const edge = () => ({ limits: { wrongTokens }, buckets: createMemoryBuckets(), trustedProxies: ["127.0.0.1"] });

function from(address: string): { headers: Record<string, string> } {
  return { headers: { "x-forwarded-for": address } };
}

function countingLooks(looked: () => void): (real: Store) => Store {
  return (real) => ({
    ...real,
    findTokens(hashes) {
      looked();
      return real.findTokens(hashes);
    },
  });
}

async function guess(api: TestApi, times: number, address = "198.51.100.1"): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) {
    statuses.push((await api.request("GET", "/v1/sensors", { token: `tcs_${"x".repeat(30)}${time}`, ...from(address) })).status);
  }
  return statuses;
}

describe("wrong tokens from one address", () => {
  test("are answered so often, and then not looked up any more, nor any other that is new here and has no tag", async () => {
    let looks = 0;
    await using api = await openTestApi({ edge: edge(), store: countingLooks(() => (looks += 1)) });
    const token = untaggedToken();
    await api.store.createToken({ id: "old", name: "old", hash: hashToken(token), scopes: ["sensors:read"], expiresAt: null });
    expect(await guess(api, 12)).toEqual([...Array<number>(10).fill(401), 429, 429]);
    const before = looks;
    const stranger = await api.request("GET", "/v1/sensors", { token, ...from("198.51.100.1") });
    expectProblem(stranger, 429);
    expect(Number(stranger.headers.get("retry-after"))).toBeGreaterThan(3500);
    expect(looks).toBe(before);
    expect((await api.request("GET", "/v1/sensors", { token, ...from("198.51.100.2") })).status).toBe(200);
    expect((await api.request("GET", "/metrics", { token: null })).text).toContain('tocsin_http_limited_total{limit="wrong-tokens"} 3');
  });

  test("stop nobody who was right from there before, also when that one is looked up again", async () => {
    let looks = 0;
    await using api = await openTestApi({ edge: edge(), store: countingLooks(() => (looks += 1)) });
    const { id, token } = await api.mint(["sensors:read"]);
    const ask = async () => (await api.request("GET", "/v1/sensors", { token, ...from("198.51.100.1") })).status;
    expect(await ask()).toBe(200);
    expect(await guess(api, 11)).toContain(429);
    expect(await ask()).toBe(200);
    const before = looks;
    await until(async () => {
      expect(await ask()).toBe(200);
      return looks > before;
    });
    await api.request("DELETE", `/v1/tokens/${id}`, from("198.51.100.9"));
    expect([await ask(), await ask()]).toEqual([401, 401]);
  });

  test("stop nobody whose token was made here, though it was never seen", async () => {
    await using api = await openTestApi({ edge: edge() });
    const { token } = await api.mint(["sensors:read"]);
    const forged = `${token.slice(0, -2)}${token.at(-2) === "A" ? "B" : "A"}t`;
    expect(await guess(api, 11)).toContain(429);
    expect((await api.request("GET", "/v1/sensors", { token, ...from("198.51.100.1") })).status).toBe(200);
    expectProblem(await api.request("GET", "/v1/sensors", { token: forged, ...from("198.51.100.1") }), 429);
  });

  test("that were made here, and revoked, make those wait who send them, from wherever that is, and nobody else", async () => {
    let looks = 0;
    await using api = await openTestApi({ edge: edge(), store: countingLooks(() => (looks += 1)) });
    const { id, token } = await api.mint(["sensors:read"]);
    const other = await api.mint(["sensors:read"]);
    await api.request("DELETE", `/v1/tokens/${id}`);
    const ask = async (address: string) => (await api.request("GET", "/v1/sensors", { token, ...from(address) })).status;
    for (let time = 0; time < 10; time += 1) expect(await ask("198.51.100.1")).toBe(401);
    const before = looks;
    expect([await ask("198.51.100.1"), await ask("198.51.100.2")]).toEqual([429, 429]);
    expect(looks).toBe(before);
    expect((await api.request("GET", "/v1/sensors", { token: other.token, ...from("198.51.100.1") })).status).toBe(200);
    expect(await guess(api, 1)).toEqual([401]);
  });

  test("that are guessed at once are all counted", async () => {
    await using api = await openTestApi({ edge: edge() });
    const statuses = await Promise.all(
      Array.from({ length: 30 }, (_, index) => api.request("GET", "/v1/sensors", { token: `tcs_${index}` })),
    );
    expect(new Set(statuses.map(({ status }) => status)).has(200)).toBe(false);
    expectProblem(await api.request("GET", "/v1/sensors", { token: "another-wrong-token" }), 429);
  });

  test("that look like no token of ours, or like the admin's, count as well", async () => {
    await using api = await openTestApi({ edge: edge() });
    for (let time = 0; time < 10; time += 1) {
      expect((await api.request("GET", "/v1/sensors", { token: `guess-at-admin-${time}`, ...from("198.51.100.1") })).status).toBe(401);
    }
    expectProblem(await api.request("GET", "/v1/sensors", { token: "guess-at-admin-x", ...from("198.51.100.1") }), 429);
  });

  test("are not what is missing: whoever shows none is told 401 for ever", async () => {
    await using api = await openTestApi({ edge: edge() });
    for (let time = 0; time < 20; time += 1) expectProblem(await api.request("GET", "/v1/sensors", { token: null }), 401);
    expect((await api.request("GET", "/v1/sensors")).status).toBe(200);
  });

  test("tell nothing of which tokens there are: made up, expired or revoked, the answer is the same", async () => {
    await using api = await openTestApi();
    const { id, token } = await api.mint(["sensors:read"]);
    await api.request("DELETE", `/v1/tokens/${id}`);
    const end = Date.now() + 60_000;
    const short = await api.mint(["sensors:read"], end);
    const answers: { status: number; text: string; names: string[] }[] = [];
    setSystemTime(end);
    try {
      for (const wrong of [token, short.token, `tcs_${"x".repeat(token.length - 4)}`, `${token.slice(0, -3)}xxt`, "no-token-of-any-kind"]) {
        const { status, text, headers } = await api.request("GET", "/v1/sensors", { token: wrong, headers: { "x-request-id": "same" } });
        answers.push({ status, text, names: [...headers.keys()].toSorted() });
      }
    } finally {
      setSystemTime();
    }
    expect(answers[0]?.status).toBe(401);
    for (const answer of answers) expect(answer).toEqual(answers[0] as (typeof answers)[number]);
  });
});
