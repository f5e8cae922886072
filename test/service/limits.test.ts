import { expect, test } from "bun:test";
import { startRedis } from "../servers/redis";
import { startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";

/** What /metrics says of it; null for nothing. */
async function metric(tocsin: TocsinProcess, name: string): Promise<string | null> {
  const text = await (await fetch(`${tocsin.httpUrl}/metrics`)).text();
  return new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? null;
}

/** That Redis fails is seen by whoever asks it. */
async function untilShared(tocsin: TocsinProcess, shared: boolean): Promise<void> {
  await until(async () => {
    await ask(tocsin, 1);
    return (await metric(tocsin, "tocsin_rate_limits_shared")) === (shared ? "1" : "0");
  });
}

async function ask(tocsin: TocsinProcess, times: number): Promise<number> {
  const answers = [];
  for (let time = 0; time < times; time += 1) answers.push((await tocsin.api("/v1/sensors")).status);
  expect(answers.every((status) => status === 200 || status === 429)).toBe(true);
  return answers.filter((status) => status === 200).length;
}

test("nodes share the rate of a token through Redis, and each of them goes on alone, and says so, while Redis is away", async () => {
  await using redis = await startRedis();
  // So slow that nothing comes in while the test runs.
  const env = { REDIS_URL: redis.url, RATE_PER_TOKEN: "1/20", RATE_PER_ADDRESS: "0", LOG_LEVEL: "info" };
  await using one = await startTocsin({ env });
  await using other = await startTocsin({ env });
  await untilShared(one, true);
  await untilShared(other, true);
  const { headers } = await one.api("/v1/sensors");
  expect(headers.get("ratelimit-policy")).toBe('"token";q=20;w=20');
  await ask(one, 18);
  // One each second comes in.
  expect(await ask(other, 20)).toBeLessThan(20);
  // Now and then one more is let in.
  let refused: Response;
  do refused = await other.api("/v1/sensors");
  while (refused.status === 200);
  expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);

  redis.freeze();
  await untilShared(one, false);
  await untilShared(other, false);
  expect(one.wholeOutput()).toContain("limits.local");
  await redis.kill();
  expect(await ask(one, 100)).toBeLessThan(100);
  expect((await fetch(`${one.httpUrl}/readyz`)).status).toBe(200);

  await redis.start();
  await untilShared(one, true);
  await untilShared(other, true);
  expect(one.wholeOutput()).toContain("limits.shared");
});

test("without Redis a node counts by itself, and speaks of no sharing", async () => {
  await using tocsin = await startTocsin({ env: { RATE_PER_TOKEN: "1/5", RATE_PER_ADDRESS: "1000" } });
  expect(await ask(tocsin, 50)).toBeLessThan(50);
  expect((await tocsin.api("/v1/sensors")).headers.get("ratelimit-policy")).toBe('"token";q=5;w=5, "address";q=2000;w=2');
  expect(await metric(tocsin, "tocsin_rate_limits_shared")).toBeNull();
  expect(await metric(tocsin, 'tocsin_http_limited_total\\{limit="token"\\}')).toMatch(/^[1-9]/);
});
