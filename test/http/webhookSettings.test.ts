import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { openTestApi, type TestApi } from "./api";
import { expectProblem, pointersOf } from "./problem";
import { webhookCalls } from "./webhookCalls";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const URL_OF_OURS = "https://example.com/hook";
const SETTINGS = {
  ratePerSecond: 12.5,
  ordering: "none",
  mode: "every",
  minIntervalSeconds: 0,
  batch: { maxItems: 100, maxWaitMs: 500 },
  format: "cloudevents",
  retrySchedule: [1, 60, 3600],
  timeoutSeconds: 30,
  events: ["change", "webhook.failing"],
};

const { create, patch, registered } = webhookCalls(() => api, URL_OF_OURS);

describe("how a webhook wants to be sent to", () => {
  test("is shown with all its defaults", async () => {
    expect((await create({})).json()).toMatchObject({ ...SETTINGS_DEFAULT, heldUntil: null });
  });

  test("is set at its creation, and kept", async () => {
    const id = await registered(SETTINGS);
    expect((await api.request("GET", `/v1/webhooks/${id}`)).json()).toMatchObject(SETTINGS);
  });

  test("is edited field by field: what is left out stays, null sets the default", async () => {
    const id = await registered(SETTINGS);
    expect((await patch(id, { ratePerSecond: 3 })).json()).toMatchObject({ ...SETTINGS, ratePerSecond: 3 });
    const nulls = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, null]));
    expect((await patch(id, nulls)).json()).toMatchObject({ ...SETTINGS_DEFAULT });
    expect((await patch(id, { description: "x" })).json()).toMatchObject({ ...SETTINGS_DEFAULT });
  });

  test("may be the latest of every sensor, which a least interval implies", async () => {
    expect((await create({ minIntervalSeconds: 60 })).json()).toMatchObject({ minIntervalSeconds: 60, mode: "latest" });
    expect((await create({ minIntervalSeconds: 0 })).json()).toMatchObject({ mode: "every" });
    const id = await registered();
    expect((await patch(id, { minIntervalSeconds: 5 })).json()).toMatchObject({ minIntervalSeconds: 5, mode: "latest" });
    expect((await patch(id, { mode: "every", minIntervalSeconds: null })).json()).toMatchObject({ minIntervalSeconds: 0, mode: "every" });
  });
});

describe("what does not go together is a 422 that points at what was given", () => {
  const wrong: [name: string, json: object, pointers: string[]][] = [
    ["an interval in mode every", { minIntervalSeconds: 5, mode: "every" }, ["/minIntervalSeconds"]],
    ["the latest without order", { mode: "latest", ordering: "none" }, ["/ordering"]],
    ["batches of the latest", { mode: "latest", batch: { maxItems: 2, maxWaitMs: 0 } }, ["/batch"]],
    ["batches of the latest, which an interval implies", { minIntervalSeconds: 5, batch: { maxItems: 2, maxWaitMs: 0 } }, ["/batch"]],
    ["a binary batch", { format: "cloudevents-binary", batch: { maxItems: 2, maxWaitMs: 0 } }, ["/batch"]],
    ["a schedule of more than three days", { retrySchedule: [86_400, 86_400, 86_400, 1] }, ["/retrySchedule"]],
  ];
  for (const [name, json, pointers] of wrong) {
    test(name, async () => expect(pointersOf(await create(json))).toEqual(pointers));
  }

  test("also where only one half is in the patch", async () => {
    const id = await registered({ minIntervalSeconds: 60 });
    expect(pointersOf(await patch(id, { mode: "every" }))).toEqual(["/mode"]);
    expect(pointersOf(await patch(id, { batch: { maxItems: 2, maxWaitMs: 0 } }))).toEqual(["/batch"]);
    const batched = await registered({ batch: { maxItems: 2, maxWaitMs: 0 } });
    expect(pointersOf(await patch(batched, { minIntervalSeconds: 1 }))).toEqual(["/minIntervalSeconds"]);
    expect(pointersOf(await patch(batched, { format: "cloudevents-binary" }))).toEqual(["/format"]);
    expect((await api.request("GET", `/v1/webhooks/${batched}`)).json()).toMatchObject({ version: 1 });
  });
});

describe("what is out of range is a 422", () => {
  const limits: Record<string, { good: unknown[]; bad: unknown[] }> = {
    ratePerSecond: { good: [0.01, 10_000], bad: [0, 0.009, 10_001, "5"] },
    ordering: { good: ["sensor", "none"], bad: ["both"] },
    mode: { good: ["every", "latest"], bad: ["newest"] },
    minIntervalSeconds: { good: [0, 86_400], bad: [-1, 86_401, 0.5] },
    format: { good: ["standard", "cloudevents", "cloudevents-binary"], bad: ["xml"] },
    timeoutSeconds: { good: [1, 30], bad: [0, 31, 1.5] },
    retrySchedule: { good: [[1], Array(20).fill(12_960), [86_400, 86_400, 86_400]], bad: [[], [0], [86_401], [1.5], Array(21).fill(1)] },
    events: { good: [["webhook.disabled"], ["change", "delivery.failed"]], bad: [[], ["change", "change"], ["sensor"]] },
    batch: {
      good: [
        { maxItems: 2, maxWaitMs: 0 },
        { maxItems: 1000, maxWaitMs: 60_000 },
      ],
      bad: [
        {},
        { maxItems: 1, maxWaitMs: 0 },
        { maxItems: 1001, maxWaitMs: 0 },
        { maxItems: 2, maxWaitMs: 60_001 },
        { maxItems: 2, maxWaitMs: 1, x: 1 },
      ],
    },
  };
  for (const [name, { good, bad }] of Object.entries(limits)) {
    test(`${name}: the bounds are in, what is beyond them is out`, async () => {
      for (const value of good) expect((await create({ [name]: value })).status).toBe(201);
      for (const value of bad) {
        const pointers = pointersOf(await create({ [name]: value }));
        expect(pointers.length).toBeGreaterThan(0);
        for (const pointer of pointers) expect(pointer).toStartWith(`/${name}`);
      }
    });
  }

  test("and a choice that there is not names those that there are", async () => {
    const { errors } = expectProblem(await create({ format: "xml" }), 422);
    expect(errors).toEqual([{ pointer: "/format", message: "must be one of standard, cloudevents, cloudevents-binary" }]);
  });

  const said: [object, string, RegExp][] = [
    [{ ratePerSecond: 0 }, "/ratePerSecond", /^must be at least 0\.01$/],
    [{ ratePerSecond: "fast" }, "/ratePerSecond", /number/],
    [{ timeoutSeconds: 31 }, "/timeoutSeconds", /^must be at most 30$/],
    [{ minIntervalSeconds: 86_401 }, "/minIntervalSeconds", /^must be at most 86400$/],
    [{ retrySchedule: [] }, "/retrySchedule", /^must have at least 1 item$/],
    [{ filter: { labels: { site: 1 } } }, "/filter/labels/site", /^must be one of string, array, null$/],
    [{ filter: { labels: { site: [1] } } }, "/filter/labels/site/0", /string/],
    [{ auth: { type: "digest" } }, "/auth/type", /^must be one of basic, bearer$/],
    [{ auth: { type: "basic", username: "joe" } }, "/auth/password", /^is missing$/],
    [{ auth: { type: "bearer", token: "a b" } }, "/auth/token", /match/],
    [{ auth: "joe" }, "/auth", /object/],
    [{ batch: { maxItems: 2 } }, "/batch/maxWaitMs", /^is missing$/],
  ];
  for (const [given, pointer, message] of said) {
    test(`and says what is expected of a field that may be null, too: ${JSON.stringify(given)}`, async () => {
      const { errors } = expectProblem(await create(given), 422);
      expect(errors).toEqual([{ pointer, message: expect.stringMatching(message) as string }]);
    });
  }
});

test("edits at once do not undo each other", async () => {
  const id = await registered();
  const edits = [
    { ratePerSecond: 5 },
    { timeoutSeconds: 7 },
    { events: ["change", "delivery.failed"] },
    { headers: { "x-a": "1" } },
    { headers: { "x-b": "2" } },
  ];
  for (const { status } of await Promise.all(edits.map((edit) => patch(id, edit)))) expect(status).toBe(200);
  expect((await api.request("GET", `/v1/webhooks/${id}`)).json()).toMatchObject({
    ratePerSecond: 5,
    timeoutSeconds: 7,
    events: ["change", "delivery.failed"],
    headerNames: expect.arrayContaining(["x-a", "x-b"]) as string[],
    version: 1 + edits.length,
  });
});
