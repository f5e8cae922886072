import { afterAll, expect, setSystemTime, test } from "bun:test";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { postgresHarness } from "../store/postgres/harness";
import { temporaryFolder } from "../store/sqlite/harness";
import { bestOf } from "../bestOf";
import { EventStream } from "../live/eventStream";
import { openTestApi, type TestApi } from "./api";

/** In which what is known of a token counts. */
const KNOWN_MS = 1000;
/** What a stream may take beside that, to look and to say its last word. */
const SLACK_MS = 500;

const postgres = await postgresHarness();
afterAll(() => postgres[Symbol.asyncDispose]());

/** Two nodes, each with connections of its own to one database. */
async function onTwoNodes(open: () => Promise<Store>, body: (one: TestApi, other: TestApi) => Promise<void>): Promise<void> {
  const stores = [await open(), await open()] as const;
  try {
    await using one = await openTestApi({ opened: stores[0] });
    await using other = await openTestApi({ opened: stores[1] });
    await body(one, other);
  } finally {
    for (const store of stores) await store.close();
  }
}

async function statusOn(api: TestApi, token: string): Promise<number> {
  return (await api.request("GET", "/v1/sensors?limit=1", { token })).status;
}

/** How long after `edit` somebody asked the other node, all the time, who was still let in, however long the answer took. */
async function letInFor(other: TestApi, token: string, edit: () => Promise<unknown>): Promise<number> {
  expect(await statusOn(other, token)).toBe(200);
  // Known, and looked up again, for a while.
  for (let asked = 0; asked < 20; asked += 1) expect(await statusOn(other, token)).toBe(200);
  await edit();
  const editedAt = performance.now();
  for (let last = 0; ;) {
    const askedAt = performance.now();
    if ((await statusOn(other, token)) !== 200) return last;
    last = askedAt - editedAt;
    if (last > 10_000) throw new Error("it is let in for ever");
  }
}

/** In which part of the second that counts a token is revoked. */
const PHASES = [0.1, 0.3, 0.5, 0.7, 0.9];

/** For how long after the revocation of its token on one node a live stream of the other goes on, at worst. */
async function watchedFor(one: TestApi, other: TestApi): Promise<number> {
  const times = PHASES.map(async (phase) => {
    const { id, token } = await one.mint(["sensors:read"]);
    await using stream = await EventStream.open(`${other.url}/v1/changes/live`, { token });
    await Bun.sleep(1000 + phase * 1000);
    expect(stream.ended).toBe(false);
    expect((await one.request("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    const revokedAt = performance.now();
    await stream.end();
    expect(stream.last()?.event).toBe("unauthorized");
    return performance.now() - revokedAt;
  });
  return Math.max(...(await Promise.all(times)));
}

async function expectPrompt(one: TestApi, other: TestApi): Promise<void> {
  const revoked = await one.mint(["sensors:read"]);
  expect(await statusOn(one, revoked.token)).toBe(200);
  const revoke = async () => {
    expect((await one.request("DELETE", `/v1/tokens/${revoked.id}`)).status).toBe(204);
    expect(await statusOn(one, revoked.token)).toBe(401);
  };
  expect(await letInFor(other, revoked.token, revoke)).toBeLessThan(KNOWN_MS);

  const expired = await one.mint(["sensors:read"]);
  const end = Date.now() + 60_000;
  const expire = async () => {
    const json = { expiresAt: new Date(end).toISOString() };
    expect((await one.request("PATCH", `/v1/tokens/${expired.id}`, { json })).status).toBe(200);
    setSystemTime(end);
    expect(await statusOn(one, expired.token)).toBe(401);
  };
  try {
    expect(await letInFor(other, expired.token, expire)).toBeLessThan(KNOWN_MS);
  } finally {
    setSystemTime();
  }
  expect(await statusOn(other, (await one.mint(["sensors:read"])).token)).toBe(200);
  const promptMs = KNOWN_MS + SLACK_MS;
  expect(await bestOf(promptMs, () => watchedFor(one, other))).toBeLessThan(promptMs);
}

test("on SQLite a token that is revoked, or ends, on one node is out on the other within a second", async () => {
  using folder = temporaryFolder();
  await onTwoNodes(() => openStore({ kind: "sqlite", file: folder.file }), expectPrompt);
}, 60_000);

test("on Postgres a token that is revoked, or ends, on one node is out on the other within a second", async () => {
  await using opened = await postgres.open();
  await onTwoNodes(() => openStore({ kind: "postgres", url: opened.url }), expectPrompt);
}, 60_000);
