import { describe, expect, test } from "bun:test";
import { createUnread } from "../../src/http/gate/unread";
import { until } from "../until";
import { openTestApi } from "./api";
import { expectProblem } from "./problem";

const LARGE = 100_000;
const LIMITS = { unreadBytesMax: 4 * LARGE, callerUnreadBytesMax: 2 * LARGE, unreadStalledMs: 30_000 };

const one = (id: string) =>
  ({ method: "GET", address: "192.0.2.1", caller: { kind: "token", id, name: id, scopes: [], reach: null } }) as const;
const large = () => new Response("x".repeat(LARGE), { status: 200, headers: { "content-type": "application/json", x: "kept" } });

describe("a large answer", () => {
  test("comes whole, with its status and headers, and is held until it was read", async () => {
    const unread = createUnread(LIMITS);
    const first = await unread.handOut(one("a"), large());
    await unread.handOut(one("a"), large());
    await expect(unread.handOut(one("a"), large())).rejects.toMatchObject({ status: 429, more: { headers: { "retry-after": "1" } } });
    expect([first.status, first.headers.get("content-type"), first.headers.get("x")]).toEqual([200, "application/json", "kept"]);
    expect(await first.text()).toBe("x".repeat(LARGE));
    await unread.handOut(one("a"), large());
  });

  test("waits for room on the node, however many callers do not read theirs", async () => {
    const unread = createUnread(LIMITS);
    const answers = await Promise.all(["a", "a", "b", "b"].map((id) => unread.handOut(one(id), large())));
    await expect(unread.handOut(one("c"), large())).rejects.toMatchObject({ status: 503, more: { headers: { "retry-after": "1" } } });
    await answers[3]?.body?.cancel();
    await unread.handOut(one("c"), large());
  });

  test("that nobody takes is cut off, and its room is free again", async () => {
    const unread = createUnread({ ...LIMITS, callerUnreadBytesMax: LARGE, unreadStalledMs: 50 });
    const answer = await unread.handOut(one("a"), large());
    const isRoom = () =>
      unread.handOut(one("a"), large()).then(
        () => true,
        () => false,
      );
    expect(await isRoom()).toBe(false);
    await until(isRoom);
    await expect(answer.text()).rejects.toThrow("not read in time");
  });

  test("takes no room where it is small, or where nobody reads it", async () => {
    const unread = createUnread({ ...LIMITS, unreadBytesMax: 0, callerUnreadBytesMax: 0 });
    expect(await (await unread.handOut(one("a"), new Response("x".repeat(60_000)))).text()).toHaveLength(60_000);
    await unread.handOut({ ...one("a"), method: "HEAD" }, large());
    await expect(unread.handOut(one("a"), large())).rejects.toMatchObject({ status: 429 });
  });
});

test("a list is such an answer: who asks where none has room is told to come again, and gets it where there is", async () => {
  const metadata = { notes: "x".repeat(10_000) };
  const fill = async (api: Awaited<ReturnType<typeof openTestApi>>) => {
    const sensors = Array.from({ length: 20 }, (_, index) => ({ id: `s${10 + index}`, metadata }));
    expect((await api.request("PUT", "/v1/sensors", { json: sensors })).status).toBe(200);
  };
  await using full = await openTestApi({ edge: { limits: { unreadBytesMax: LARGE } } });
  await fill(full);
  const refused = await full.request("GET", "/v1/sensors");
  expectProblem(refused, 503);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect((await full.request("GET", "/v1/sensors?limit=5")).status).toBe(200);
  expect((await full.request("HEAD", "/v1/sensors")).status).toBe(200);
  await using free = await openTestApi();
  await fill(free);
  for (let turn = 0; turn < 3; turn += 1) {
    const { items } = (await free.request("GET", "/v1/sensors")).json<{ items: { metadata: unknown }[] }>();
    expect(items.map((sensor) => sensor.metadata)).toEqual(Array(20).fill(metadata));
  }
});
