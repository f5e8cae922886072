import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Shown {
  readonly id: string;
  readonly webhookId: string;
  readonly until: string;
  readonly state: string;
}

const RANGE = { since: "2026-11-23T10:00:00Z", until: "2026-11-23T12:00:00+02:00" };

async function registered(): Promise<string> {
  return (await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } })).json<{ id: string }>().id;
}
const replay = (id: string, json: object) => api.request("POST", `/v1/webhooks/${id}/replay`, { json });

test("a replay is a job that can be looked at, and cancelled", async () => {
  const webhookId = await registered();
  const changed = api.webhooksChanged();
  const made = await replay(webhookId, { ...RANGE, until: "2026-11-23T12:00:00Z", which: "all", ratePerSecond: 7 });
  expect(made.status).toBe(202);
  const shown = made.json<Shown>();
  expect(made.headers.get("location")).toBe(`/v1/replays/${shown.id}`);
  expect(shown).toEqual({
    ...shown,
    id: expect.stringMatching(/^rpl_[0-9a-f]{32}$/) as string,
    webhookId,
    since: "2026-11-23T10:00:00.000Z",
    until: "2026-11-23T12:00:00.000Z",
    which: "all",
    ratePerSecond: 7,
    state: "running",
    reason: null,
    replayed: 0,
  } as Shown);
  expect((await api.request("GET", `/v1/replays/${shown.id}`)).json<Shown>()).toEqual(shown);
  const cancelled = await api.request("POST", `/v1/replays/${shown.id}/cancel`);
  expect({ status: cancelled.status, state: cancelled.json<Shown>().state }).toEqual({ status: 200, state: "cancelled" });
  expect((await api.request("POST", `/v1/replays/${shown.id}/cancel`)).json<Shown>().state).toBe("cancelled");
  expect(api.webhooksChanged()).toBe(changed + 3);
});

test("is of what was not delivered until now, at 500 a second, when nothing else is said", async () => {
  const before = Date.now();
  const shown = (await replay(await registered(), { since: RANGE.since })).json<Shown>();
  expect(shown).toMatchObject({ which: "undelivered", ratePerSecond: 500 });
  expect(Date.parse(shown.until)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(shown.until)).toBeLessThanOrEqual(Date.now());
});

test("of a webhook that has one already, or is disabled, is a 409; of none a 404", async () => {
  const webhookId = await registered();
  expect((await replay(webhookId, { since: RANGE.since })).status).toBe(202);
  expectProblem(await replay(webhookId, { since: RANGE.since }), 409);
  const disabled = await registered();
  await api.request("PATCH", `/v1/webhooks/${disabled}`, { json: { state: "disabled" } });
  expectProblem(await replay(disabled, { since: RANGE.since }), 409);
  expectProblem(await replay("wh_none", { since: RANGE.since }), 404);
  expectProblem(await api.request("GET", "/v1/replays/rpl_none"), 404);
  expectProblem(await api.request("POST", "/v1/replays/rpl_none/cancel"), 404);
});

test("that cannot be is a 422 which points at the reason", async () => {
  const id = await registered();
  const pointers = async (json: object) => pointersOf(await replay(id, json));
  expect(await pointers({})).toEqual(["/since"]);
  expect(await pointers({ since: "1h" })).toEqual(["/since"]);
  expect(await pointers({ since: "2026-02-30T00:00:00Z" })).toEqual(["/since"]);
  expect(await pointers(RANGE)).toEqual(["/until"]);
  expect(await pointers({ since: "2099-01-01T00:00:00Z" })).toEqual(["/since"]);
  expect(await pointers({ since: RANGE.since, which: "failed", ratePerSecond: 10_001, x: 1 })).toEqual(["/ratePerSecond", "/which", "/x"]);
});

test("replays are listed newest first, page by page, also those of one webhook", async () => {
  await using own = await openTestApi();
  const made: string[] = [];
  const webhooks: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const { id } = (await own.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } })).json<{ id: string }>();
    webhooks.push(id);
    made.unshift((await own.request("POST", `/v1/webhooks/${id}/replay`, { json: { since: RANGE.since } })).json<Shown>().id);
  }
  const pages = await collectPages<Shown>(own, "/v1/replays?limit=2");
  expect(pages.map((page) => page.map(({ id }) => id))).toEqual([made.slice(0, 2), made.slice(2)]);
  const { items } = (await own.request("GET", `/v1/replays?webhookId=${webhooks[0]}`)).json<{ items: Shown[] }>();
  expect(items.map(({ id, webhookId }) => ({ id, webhookId }))).toEqual([{ id: made[2] as string, webhookId: webhooks[0] as string }]);
});

test("a replay needs deliveries:write, and seeing one webhooks:read", async () => {
  const id = await registered();
  const reader = (await api.mint(["webhooks:read", "webhooks:write"])).token;
  const writer = (await api.mint(["deliveries:write"])).token;
  expectProblem(await api.request("POST", `/v1/webhooks/${id}/replay`, { json: { since: RANGE.since }, token: reader }), 403);
  const made = await api.request("POST", `/v1/webhooks/${id}/replay`, { json: { since: RANGE.since }, token: writer });
  expect(made.status).toBe(202);
  const path = made.headers.get("location") as string;
  expectProblem(await api.request("GET", path, { token: writer }), 403);
  expect((await api.request("GET", path, { token: reader })).status).toBe(200);
  expectProblem(await api.request("POST", `${path}/cancel`, { token: reader }), 403);
});
