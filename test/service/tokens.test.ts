import { afterAll, beforeAll, expect, test } from "bun:test";
import { ServiceNode } from "../../chaos/node";
import { hashToken } from "../../src/domain/token";
import { openStore } from "../../src/store/open";
import { untaggedToken } from "../http/untaggedToken";
import { type TestNats, startNatsServer } from "../servers/natsServer";
import { startPostgres, type TestPostgres } from "../servers/postgres";

let postgres: TestPostgres;
let nats: TestNats;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNatsServer({ partitions: 1 })]);
});
afterAll(async () => {
  await nats.stop();
  await postgres[Symbol.asyncDispose]();
});

async function statusOf(node: ServiceNode, token: string): Promise<number> {
  return (await fetch(`${node.httpUrl}/v1/sensors`, { headers: { authorization: `Bearer ${token}` } })).status;
}

/** A token without a tag, as they were made before, straight in the database. */
async function oldToken(url: string): Promise<string> {
  const store = await openStore({ kind: "postgres", url });
  try {
    const token = untaggedToken();
    await store.createToken({ id: "tok_old", name: "old", hash: hashToken(token), scopes: ["sensors:read"], expiresAt: null });
    return token;
  } finally {
    await store.close();
  }
}

test("a token that was just made on another node is let in at once, while its address floods with guesses that are told to wait", async () => {
  const databaseUrl = await postgres.createDatabase();
  const prepare = (name: string) => ServiceNode.prepare({ name, databaseUrl, natsUrls: [nats.url], partitions: 1, roles: "http" });
  await using maker = await prepare("maker");
  await using flooded = await prepare("flooded");
  await Promise.all([maker.start(), flooded.start()]);
  const old = await oldToken(databaseUrl);
  while ((await statusOf(flooded, untaggedToken())) !== 429);

  let flooding = true;
  const guesses: number[] = [];
  const flood = Array.from({ length: 8 }, async (_, index) => {
    while (flooding) guesses.push(await statusOf(flooded, index % 2 === 0 ? untaggedToken() : `${untaggedToken().slice(0, -1)}t`));
  });
  const lets: number[] = [];
  for (let index = 0; index < 20; index += 1) {
    const made = await maker.api("/v1/tokens", { method: "POST", body: JSON.stringify({ name: `n${index}`, scopes: ["sensors:read"] }) });
    lets.push(await statusOf(flooded, ((await made.json()) as { token: string }).token));
  }
  const oldOne = [await statusOf(flooded, old), await statusOf(maker, old)];
  flooding = false;
  await Promise.all(flood);

  expect(lets).toEqual(Array<number>(20).fill(200));
  expect(oldOne).toEqual([429, 200]);
  // One in six seconds is looked at, and was wrong.
  expect(new Set(guesses).difference(new Set([401, 429])).size).toBe(0);
  expect(guesses.filter((status) => status === 429).length).toBeGreaterThan(guesses.length / 2);
});
