import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LABEL_VALUE_CHARS_MAX } from "../../src/domain/sensor";
import { CONCURRENCY_DEFAULT, CONCURRENCY_MAX, FILTER_BYTES_MAX, FILTER_ITEMS_MAX } from "../../src/domain/webhook";
import { openTestApi, type TestApi } from "./api";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const URL_OF_OURS = "https://example.com/hook";
const FILTER = {
  sensorIds: ["boiler-7"],
  labels: { site: "north", line: ["1", "2"], retired: null },
  kinds: ["status"],
  from: ["ok"],
  to: ["overheated", "door.open"],
  minSeverity: "warning",
  direction: "raised",
  initial: true,
};

interface Shown {
  readonly id: string;
  readonly secret?: string;
}

async function registered(settings: object = {}): Promise<string> {
  const answer = await api.request("POST", "/v1/webhooks", { json: { url: URL_OF_OURS, ...settings } });
  expect(answer.status).toBe(201);
  return answer.json<Shown>().id;
}
const patch = (id: string, json: unknown, headers = {}) => api.request("PATCH", `/v1/webhooks/${id}`, { json, headers });

describe("a webhook", () => {
  test("is registered with a secret that is shown once", async () => {
    const made = await api.request("POST", "/v1/webhooks", {
      json: { url: URL_OF_OURS, filter: FILTER, description: "ops", concurrency: 3 },
    });
    expect(made.status).toBe(201);
    const { secret, ...shown } = made.json<Shown>();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(Buffer.from((secret ?? "").slice(6), "base64").length).toBe(32);
    expect(shown).toMatchObject({
      url: URL_OF_OURS,
      filter: FILTER,
      description: "ops",
      concurrency: 3,
      state: "active",
      stateReason: null,
      version: 1,
      lastSuccessAt: null,
    });
    expect(shown.id).toMatch(/^wh_[A-Za-z0-9]+$/);
    expect(made.headers.get("location")).toBe(`/v1/webhooks/${shown.id}`);
    expect(made.headers.get("etag")).toBe('"1"');
    const got = await api.request("GET", `/v1/webhooks/${shown.id}`);
    expect(got.json<Shown>()).toEqual(shown);
    for (const { text } of [got, await api.request("GET", "/v1/webhooks?limit=1000"), await patch(shown.id, {})]) {
      expect(text).not.toContain("whsec_");
      expect(text).not.toContain(secret as string);
    }
  });

  test("has a secret of its own", async () => {
    const secrets = new Set<string | undefined>();
    for (let count = 0; count < 3; count += 1)
      secrets.add((await api.request("POST", "/v1/webhooks", { json: { url: URL_OF_OURS } })).json<Shown>().secret);
    expect(secrets.size).toBe(3);
  });

  test("is registered for every change when nothing else is said", async () => {
    const id = await registered();
    expect((await api.request("GET", `/v1/webhooks/${id}`)).json()).toMatchObject({
      filter: {},
      description: "",
      concurrency: CONCURRENCY_DEFAULT,
    });
  });

  test("is edited: what is left out stays, and a filter is replaced as a whole", async () => {
    const id = await registered({ filter: FILTER, description: "ops" });
    expect((await patch(id, { filter: { to: ["ok"] }, concurrency: 2 })).json()).toMatchObject({
      filter: { to: ["ok"] },
      concurrency: 2,
      description: "ops",
      version: 2,
    });
    expect((await patch(id, { filter: null, description: null, concurrency: null })).json()).toMatchObject({
      filter: {},
      description: "",
      concurrency: CONCURRENCY_DEFAULT,
    });
    for (const state of ["paused", "disabled", "active"]) expect((await patch(id, { state })).json()).toMatchObject({ state });
    expect((await patch(id, { url: "https://example.org/" })).json()).toMatchObject({ url: "https://example.org/" });
  });

  test("is deleted", async () => {
    const id = await registered();
    expect((await api.request("DELETE", `/v1/webhooks/${id}`)).status).toBe(204);
    for (const [method, path, json] of [
      ["GET", ""],
      ["DELETE", ""],
      ["PATCH", "", {}],
      ["POST", "/test"],
    ] as [string, string, object?][]) {
      expectProblem(await api.request(method, `/v1/webhooks/${id}${path}`, json === undefined ? {} : { json }), 404);
    }
  });

  test("is not edited or deleted on an older version: 412", async () => {
    const id = await registered();
    await patch(id, { description: "newer" });
    const headers = { "if-match": '"1"' };
    expectProblem(await patch(id, { description: "lost" }, headers), 412);
    expectProblem(await api.request("DELETE", `/v1/webhooks/${id}`, { headers }), 412);
    expect(expectProblem(await patch(id, {}, { "if-match": 'W/"2"' }), 412).detail).toContain("a weak tag never matches");
    expect(pointersOf(await patch(id, {}, { "if-match": "2" }))).toEqual(["/if-match"]);
    expect((await patch(id, { description: "right" }, { "if-match": '"2"' })).status).toBe(200);
    expect((await api.request("DELETE", `/v1/webhooks/${id}`, { headers: { "if-match": '"3"' } })).status).toBe(204);
  });

  test("that others edit again and again is a 409 for who names no version, and still a 412 for who does", async () => {
    let theirs = 0;
    await using busy = await openTestApi({
      store: (real) => ({
        ...real,
        async updateWebhook(id, edit, version) {
          await real.updateWebhook(id, { description: `theirs ${(theirs += 1)}` }, null);
          return real.updateWebhook(id, edit, version);
        },
      }),
    });
    const { id } = (await busy.request("POST", "/v1/webhooks", { json: { url: URL_OF_OURS } })).json<Shown>();
    const edit = { json: { description: "ours" } };
    expectProblem(await busy.request("PATCH", `/v1/webhooks/${id}`, edit), 409);
    const { headers } = await busy.request("GET", `/v1/webhooks/${id}`);
    const versioned = { ...edit, headers: { "if-match": headers.get("etag") ?? "" } };
    expectProblem(await busy.request("PATCH", `/v1/webhooks/${id}`, versioned), 412);
  });

  test("whose URL may not be called is a 422, at creation and at an edit", async () => {
    const id = await registered();
    api.webhooks.refusal = { pointer: "/url", message: "address 10.0.0.1 is not public" };
    const { errors } = expectProblem(await api.request("POST", "/v1/webhooks", { json: { url: "http://10.0.0.1/" } }), 422);
    expect(errors).toEqual([{ pointer: "/url", message: "address 10.0.0.1 is not public" }]);
    expect(pointersOf(await patch(id, { url: "http://10.0.0.1/" }))).toEqual(["/url"]);
    expect((await patch(id, { description: "not the URL" })).status).toBe(200);
    api.webhooks.refusal = null;
  });

  test("has a filter of so many bytes at most, which has room for its longest list; a larger one that is there stays", async () => {
    const longest = Array.from({ length: FILTER_ITEMS_MAX }, (_, index) => `s${index}`.padEnd(128, "x"));
    const id = await registered({ filter: { sensorIds: longest } });
    const values = Array.from({ length: FILTER_ITEMS_MAX }, (_, index) => `${index}`.padEnd(100, "x"));
    const filter = { labels: { site: values, line: values } };
    expect(pointersOf(await patch(id, { filter }))).toEqual(["/filter"]);
    const refused = await api.request("POST", "/v1/webhooks", { json: { url: URL_OF_OURS, filter } });
    expect(pointersOf(refused)).toEqual(["/filter"]);
    expect(refused.text).toContain(`may take at most ${FILTER_BYTES_MAX}`);
    await api.store.updateWebhook(id, { filter }, null);
    for (const json of [{ filter }, { filter, description: "old" }, { concurrency: 2 }]) expect((await patch(id, json)).status).toBe(200);
    expect((await api.store.getWebhook(id))?.filter).toEqual(filter);
  });

  test("that cannot be is a 422 which points at every reason", async () => {
    const pointers = async (json: object) => pointersOf(await api.request("POST", "/v1/webhooks", { json }));
    expect(await pointers({})).toEqual(["/url"]);
    const half = { description: "a\ud800", filter: { labels: { site: "\udfff" } } };
    expect(await pointers({ url: URL_OF_OURS, ...half })).toEqual(["/description", "/filter/labels/site"]);
    expect(await pointers({ url: 7, secret: "mine", state: "active", concurrency: 0, description: "x".repeat(1025) })).toEqual([
      "/concurrency",
      "/description",
      "/secret",
      "/state",
      "/url",
    ]);
    expect(await pointers({ url: URL_OF_OURS, concurrency: CONCURRENCY_MAX + 1 })).toEqual(["/concurrency"]);
    expect(await pointers({ url: `https://example.com/${"x".repeat(2048)}` })).toEqual(["/url"]);
    const wrong = async (filter: unknown) =>
      (await pointers({ url: URL_OF_OURS, filter: filter as object })).map((pointer) => pointer.replace("/filter", ""));
    expect(await wrong("all")).toEqual([""]);
    expect(
      await wrong({
        sensorIds: "boiler-7",
        kinds: ["weather"],
        to: ["NOT OK"],
        minSeverity: "unknown",
        initial: "yes",
        labels: { a: 1 },
        sensors: [],
      }),
    ).toEqual(["/initial", "/kinds/0", "/labels/a", "/minSeverity", "/sensorIds", "/sensors", "/to/0"]);
    expect(await wrong({ from: ["NOT OK"], direction: "sideways" })).toEqual(["/direction", "/from/0"]);
    expect(await wrong({ from: [], direction: null })).toEqual(["/direction", "/from"]);
    expect(await wrong({ labels: { site: [], line: ["1", 2], retired: false, "?": "x" } })).toEqual([
      "/labels/?",
      "/labels/line/1",
      "/labels/retired",
      "/labels/site",
    ]);
    expect(await wrong({ labels: { site: "x".repeat(LABEL_VALUE_CHARS_MAX + 1) } })).toEqual(["/labels/site"]);
    expect(await wrong({ labels: { site: Array<string>(FILTER_ITEMS_MAX + 1).fill("north") } })).toEqual(["/labels/site"]);
    expect(await wrong({ sensorIds: [] })).toEqual(["/sensorIds"]);
    expect(await wrong({ to: Array<string>(FILTER_ITEMS_MAX + 1).fill("ok") })).toEqual(["/to"]);
    const id = await registered();
    expect(pointersOf(await patch(id, { state: "asleep", url: null, filter: { to: [] }, id: "x" }))).toEqual([
      "/filter/to",
      "/id",
      "/state",
      "/url",
    ]);
  });

  test("is sent a test event, and how it went is the answer", async () => {
    const id = await registered();
    const answer = await api.request("POST", `/v1/webhooks/${id}/test`);
    expect({ status: answer.status, body: answer.json() }).toEqual({
      status: 200,
      body: { at: expect.stringMatching(/Z$/) as string, durationMs: 3, statusCode: 204, error: null, response: null },
    });
    expect(api.webhooks.tested).toEqual([id]);
  });
});

test("webhooks are listed page by page in the order of their making", async () => {
  await using own = await openTestApi();
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1)
    made.push((await own.request("POST", "/v1/webhooks", { json: { url: URL_OF_OURS } })).json<Shown>().id);
  const pages = await collectPages<Shown>(own, "/v1/webhooks?limit=2");
  expect(pages.map((page) => page.map(({ id }) => id))).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
});

test("the notifier hears of every edit that was made, and of none that was refused", async () => {
  await using own = await openTestApi();
  const heard: number[] = [];
  const ask = async (method: string, path: string, json?: object) => {
    const answer = await own.request(method, `/v1/webhooks${path}`, json === undefined ? {} : { json });
    heard.push(own.webhooksChanged());
    return answer;
  };
  const { id } = (await ask("POST", "", { url: URL_OF_OURS })).json<Shown>();
  await ask("POST", "", { url: 7 });
  await ask("PATCH", `/${id}`, { state: "paused" });
  await ask("PATCH", `/${id}`, { state: "asleep" });
  await ask("GET", `/${id}`);
  await ask("DELETE", `/${id}`);
  await ask("DELETE", `/${id}`);
  expect(heard).toEqual([1, 1, 2, 2, 2, 3, 3]);
});
