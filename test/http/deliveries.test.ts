import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { fillHistory, planAll } from "./history";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
let webhookId: string;
beforeAll(async () => {
  api = await openTestApi();
  const made = await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } });
  webhookId = made.json<{ id: string }>().id;
  await api.request("POST", "/v1/sensors", { json: { id: "boiler-7" } });
  await fillHistory(api.store, "boiler-7", { reports: 5, deadLetters: [] });
  await planAll(api.store, webhookId);
});
afterAll(() => api[Symbol.asyncDispose]());

interface Item {
  readonly id: string;
  readonly revision: number;
}

test("deliveries are listed newest first, page by page, each once", async () => {
  const pages = await collectPages<Item>(api, "/v1/deliveries?limit=2");
  expect(pages.map((page) => page.map(({ revision }) => revision))).toEqual([[5, 4], [3, 2], [1]]);
});

test("deliveries are found by webhook, sensor and state", async () => {
  const count = async (query: string) => (await api.request("GET", `/v1/deliveries?${query}`)).json<{ items: Item[] }>().items.length;
  expect(await count(`webhookId=${webhookId}`)).toBe(5);
  expect(await count("webhookId=wh_none")).toBe(0);
  expect(await count("sensorId=boiler-7&state=pending")).toBe(5);
  expect(await count("sensorId=boiler-8")).toBe(0);
  expect(await count("state=delivered")).toBe(0);
  expect(pointersOf(await api.request("GET", "/v1/deliveries?state=lost&webhookId=a.b"))).toEqual(["/state", "/webhookId"]);
});

test("one delivery is shown with its attempts", async () => {
  const id = `${webhookId}_0_1`;
  await settleFirst(id);
  const answer = await api.request("GET", `/v1/deliveries/${id}`);
  const time = expect.stringMatching(/Z$/) as string;
  expect(answer.json()).toEqual({
    id,
    webhookId,
    changeId: "chg_0_1",
    sensorId: "boiler-7",
    revision: 1,
    state: "pending",
    reason: null,
    plannedAt: time,
    nextAttemptAt: "2099-01-01T00:00:00.000Z",
    attempts: [{ at: "2026-11-23T10:00:00.000Z", durationMs: 12, statusCode: 500, error: "answered 500", response: null }],
  });
  expectProblem(await api.request("GET", "/v1/deliveries/none"), 404);
});

test("a delivery is sent again at once when that is asked for, and the notifier hears of it", async () => {
  const id = `${webhookId}_0_1`;
  const before = api.webhooksChanged();
  const answer = await api.request("POST", `/v1/deliveries/${id}/retry`);
  expect(answer.status).toBe(200);
  const { nextAttemptAt } = answer.json<{ nextAttemptAt: string }>();
  expect(Date.parse(nextAttemptAt)).toBeLessThanOrEqual(Date.now());
  expect(api.webhooksChanged()).toBe(before + 1);
});

test("a delivery that must wait, or has nowhere to go, is not sent again: 409; one that never was: 404", async () => {
  expectProblem(await api.request("POST", `/v1/deliveries/${webhookId}_0_2/retry`), 409);
  expectProblem(await api.request("POST", "/v1/deliveries/none/retry"), 404);
  await api.request("PATCH", `/v1/webhooks/${webhookId}`, { json: { state: "disabled" } });
  expectProblem(await api.request("POST", `/v1/deliveries/${webhookId}_0_1/retry`), 409);
});

/** A first attempt that failed; the next is far away. */
async function settleFirst(id: string): Promise<void> {
  const acquired = await api.store.acquireLease({ role: "notify", partition: 0, owner: "test", ttlMs: 60_000, takeOver: true });
  const [head] = await api.store.dueHeads(0, webhookId, Date.now(), 1);
  if (acquired === null || head?.id !== id) throw new Error("the first delivery is not due");
  const attempt = { at: Date.parse("2026-11-23T10:00:00.000Z"), durationMs: 12, statusCode: 500, error: "answered 500", response: null };
  const nextAttemptAt = Date.parse("2099-01-01T00:00:00.000Z");
  await api.store.settle(acquired.lease, 60_000, [{ delivery: head, attempt, verdict: { kind: "retry", nextAttemptAt, rejected: false } }]);
}
