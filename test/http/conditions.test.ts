/** What is read or edited on the condition that it is, or is not, what one has at hand. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { wantsMinimal } from "../../src/http/prefer";
import { etagOf, notModified } from "../../src/http/versions";
import { Owner } from "../store/conformance/owner";
import { onlineState } from "../store/conformance/samples";
import { type Answer, openTestApi, type TestApi } from "./api";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
let owner: Owner;
beforeAll(async () => {
  api = await openTestApi();
  owner = await Owner.of(api.store);
});
afterAll(() => api[Symbol.asyncDispose]());

let counter = 0;
const newId = () => `sensor-${(counter += 1)}`;
const path = (id: string) => `/v1/sensors/${id}`;
const read = (id: string, ifNoneMatch?: string, method = "GET") =>
  api.request(method, path(id), { headers: ifNoneMatch === undefined ? {} : { "if-none-match": ifNoneMatch } });
const tagOf = (answer: Answer) => answer.headers.get("etag") as string;
const put = (id: string, headers: Record<string, string> = {}, json: object = {}) => api.request("PUT", path(id), { json, headers });

async function registered(): Promise<string> {
  const id = newId();
  expect((await put(id)).status).toBe(201);
  return id;
}

describe("a sensor that is put", () => {
  test("is registered where there is none (201, with its path) and replaced where there is one (200)", async () => {
    const id = newId();
    const made = await put(id, {}, { labels: { site: "north" } });
    expect([made.status, made.headers.get("location"), tagOf(made)]).toEqual([201, path(id), '"1"']);
    const replaced = await put(id, {}, { name: "Two" });
    expect([replaced.status, replaced.headers.get("location"), tagOf(replaced)]).toEqual([200, null, '"2"']);
    expect(replaced.json()).toMatchObject({ name: "Two", labels: {}, version: 2 });
  });

  test("with If-None-Match: * is registered, and never replaced", async () => {
    const id = newId();
    expect((await put(id, { "if-none-match": "*" })).status).toBe(201);
    expectProblem(await put(id, { "if-none-match": "*" }, { name: "Again" }), 412);
    expect((await read(id)).json()).toMatchObject({ name: id, version: 1 });
    expect(pointersOf(await put(newId(), { "if-none-match": '"1"' }))).toEqual(["/if-none-match"]);
  });

  test("with If-Match is replaced, and never registered", async () => {
    const id = newId();
    for (const tag of ["*", '"1"', '"1.0-0"']) expectProblem(await put(id, { "if-match": tag }), 412);
    expectProblem(await read(id), 404);
    await put(id);
    expectProblem(await put(id, { "if-match": '"2"' }), 412);
    expect((await put(id, { "if-match": '"1"' })).status).toBe(200);
    expect((await put(id, { "if-match": "*" })).status).toBe(200);
    expectProblem(await put(id, { "if-match": '"3"', "if-none-match": "*" }), 412);
    expectProblem(await put(newId(), { "if-match": "*", "if-none-match": "*" }), 412);
  });

  test("by many at once is registered once, and every edit is one of them", async () => {
    const id = newId();
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => put(id, {}, { name: `n${index}` })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(29);
    expect(new Set(answers.map(tagOf)).size).toBe(30);
  });
});

describe("an edit with several tags in If-Match", () => {
  test("is made on whichever is there, once", async () => {
    const id = await registered();
    const edits = (tags: string) => [
      () => put(id, { "if-match": tags }, { name: `n${(counter += 1)}` }),
      () => api.request("PATCH", path(id), { json: { name: `n${(counter += 1)}` }, headers: { "if-match": tags } }),
    ];
    for (const edit of edits('"1", "2", "7"')) expect((await edit()).status).toBe(200);
    expect((await read(id)).json()).toMatchObject({ version: 3 });
    for (const tags of ['"1", "2"', 'W/"3", "x"', '"4","5"']) for (const edit of edits(tags)) expectProblem(await edit(), 412);
    for (const edit of edits(' W/"9" ,, "x,y", "3.12-abc","4",')) expect((await edit()).status).toBe(200);
    expect((await api.request("DELETE", path(id), { headers: { "if-match": '"4", "5"' } })).status).toBe(204);
  });

  test("names sixteen at most, and nothing but tags: 422", async () => {
    const id = await registered();
    const tags = (count: number) => Array.from({ length: count }, (_, index) => `"${index + 1}"`).join(", ");
    expect((await put(id, { "if-match": tags(16) })).status).toBe(200);
    for (const wrong of [tags(17), '"1" "2"', '*, "1"', '"1", abc']) {
      expect([wrong, pointersOf(await put(id, { "if-match": wrong }))]).toEqual([wrong, ["/if-match"]]);
    }
  });

  test("is made of a webhook and of a status likewise", async () => {
    const made = await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } });
    const { id } = made.json<{ id: string }>();
    const headers = { "if-match": '"9", "1"' };
    expect((await api.request("PATCH", `/v1/webhooks/${id}`, { json: { description: "new" }, headers })).status).toBe(200);
    expectProblem(await api.request("DELETE", `/v1/webhooks/${id}`, { headers }), 412);
    const set = await api.request("PUT", "/v1/statuses/door.stuck", { json: { severity: "warning" } });
    const tags = { "if-match": `"999999", ${tagOf(set)}` };
    expect((await api.request("DELETE", "/v1/statuses/door.stuck", { headers: tags })).status).toBe(204);
  });
});

describe("a sensor's tag", () => {
  test("moves with whatever is shown of it", async () => {
    const id = await registered();
    const tags = new Map<string, string>();
    const look = async () => {
      const answer = await read(id);
      const known = tags.get(tagOf(answer)) ?? answer.text;
      expect(known).toBe(answer.text);
      tags.set(tagOf(answer), answer.text);
      return tagOf(answer);
    };
    expect(await look()).toBe('"1"');
    await owner.refresh();
    const at = Date.parse("2026-11-23T10:00:00.000Z");
    const states = [
      { revision: 1, lastReceivedAt: at, lastReportedAt: at },
      { revision: 1, lastReceivedAt: at + 5, lastReportedAt: at },
      { revision: 1, lastReceivedAt: at + 5, lastReportedAt: at + 5 },
      { revision: 2, lastReceivedAt: at + 5, lastReportedAt: at + 5, status: "hot" },
      { revision: 3, lastReceivedAt: at + 5, lastReportedAt: at + 5, status: "hot", availability: "offline" },
    ] as const;
    for (const state of states) {
      await owner.commit({ states: [{ sensorId: id, state: onlineState(state) }] });
      expect(await look()).toMatch(/^"1\.\d+-[0-9a-z]+(-[0-9a-z]+)?"$/);
    }
    await api.request("PATCH", path(id), { json: { name: "Other" } });
    expect(await look()).toStartWith('"2.3-');
    await api.request("DELETE", path(id));
    await put(id);
    expect(await look()).toBe('"3"');
    expect(tags.size).toBe(states.length + 3);
  });

  test("is what an edit answers with, and its version alone is looked at by If-Match", async () => {
    const id = await registered();
    await owner.heard({ [id]: { revision: 4 } });
    const before = tagOf(await read(id));
    await owner.heard({ [id]: { revision: 5, status: "hot" } });
    const patched = await api.request("PATCH", path(id), { json: { name: "Kept" }, headers: { "if-match": before } });
    expect(patched.status).toBe(200);
    expect(tagOf(patched)).toBe(tagOf(await read(id)));
    expectProblem(await api.request("PATCH", path(id), { json: {}, headers: { "if-match": before } }), 412);
    expect((await api.request("DELETE", path(id), { headers: { "if-match": tagOf(patched) } })).status).toBe(204);
  });

  test("of an earlier life matches nothing", async () => {
    const id = await registered();
    const first = tagOf(await read(id));
    await api.request("DELETE", path(id));
    await put(id);
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const sent = method === "DELETE" ? {} : { json: {} };
      expectProblem(await api.request(method, path(id), { ...sent, headers: { "if-match": first } }), 412);
    }
    expect((await read(id, first)).status).toBe(200);
  });
});

describe("who reads again", () => {
  test("is answered 304 for what one has, with its tag and without a body, by HEAD too", async () => {
    const id = await registered();
    await owner.heard({ [id]: {} });
    const tag = tagOf(await read(id));
    for (const method of ["GET", "HEAD"]) {
      for (const known of [tag, `W/${tag}`, "*", ` "other" , ${tag}`, `"a,b",${tag},`, `,, W/"x", W/${tag}`]) {
        const answer = await read(id, known, method);
        expect([known, answer.status, answer.text, tagOf(answer)]).toEqual([known, 304, "", tag]);
      }
      for (const other of ['"1"', `"x${tag.slice(1)}`, '""', `"a,${tag.replaceAll('"', "")}"`]) {
        const answer = await read(id, other, method);
        expect([other, answer.status, answer.text === "", tagOf(answer)]).toEqual([other, 200, method === "HEAD", tag]);
      }
    }
    await owner.heard({ [id]: { status: "hot", revision: 2 } });
    expect((await read(id, tag)).json()).toMatchObject({ state: { status: "hot" } });
  });

  test("is told of what is no tag: 422; and of what is not there: 404", async () => {
    const id = await registered();
    for (const malformed of ["1", '"1', "abc", "", " ", ",", '"1" "2"', 'w/"1"', '*, "1"', '"1", *']) {
      const answer = await read(id, malformed);
      // An empty header is none.
      if (malformed.trim() === "") expect([200, 422]).toContain(answer.status);
      else expect([malformed, pointersOf(answer)]).toEqual([malformed, ["/if-none-match"]]);
    }
    expectProblem(await read("nobody", "*"), 404);
  });

  test("is answered the same of a webhook", async () => {
    const made = await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } });
    const { id } = made.json<{ id: string }>();
    const again = () => api.request("GET", `/v1/webhooks/${id}`, { headers: { "if-none-match": tagOf(made) } });
    expect([(await again()).status, (await again()).text]).toEqual([304, ""]);
    await api.request("PATCH", `/v1/webhooks/${id}`, { json: { description: "new" } });
    expect((await again()).json()).toMatchObject({ description: "new" });
  });

  test("is answered the same of a status", async () => {
    const status = "/v1/statuses/door.ajar";
    const set = await api.request("PUT", status, { json: { severity: "warning" }, headers: { prefer: "return=minimal" } });
    expect([set.status, set.text, set.headers.get("location")]).toEqual([201, "", status]);
    const again = () => api.request("GET", status, { headers: { "if-none-match": tagOf(set) } });
    expect([(await again()).status, (await again()).text]).toEqual([304, ""]);
    await api.request("DELETE", status);
    await api.request("PUT", status, { json: { severity: "critical" } });
    expect((await again()).json()).toMatchObject({ severity: "critical" });
  });

  test("with a list that is long and broken is answered at once", () => {
    for (const list of [`${'"a" ,'.repeat(50_000)}"`, `"a",${" ".repeat(500_000)}x`]) {
      expect(() => notModified({ "if-none-match": list }, () => etagOf(1))).toThrow("If-None-Match");
    }
  });
});

describe("Prefer: return=minimal", () => {
  const minimal = { prefer: "return=minimal" };
  const told = (answer: Answer) => [answer.status, answer.text, answer.headers.get("preference-applied")];

  test("leaves the body out, and nothing else", async () => {
    const id = newId();
    const made = await api.request("POST", "/v1/sensors", { json: { id }, headers: minimal });
    expect([...told(made), made.headers.get("location"), tagOf(made)]).toEqual([201, "", "return=minimal", path(id), '"1"']);
    const replaced = await put(id, minimal, { name: "Two" });
    expect([...told(replaced), tagOf(replaced)]).toEqual([204, "", "return=minimal", '"2"']);
    const patched = await api.request("PATCH", path(id), { json: { labels: { a: "b" } }, headers: minimal });
    expect([...told(patched), tagOf(patched)]).toEqual([204, "", "return=minimal", '"3"']);
    expect((await read(id)).json()).toMatchObject({ name: "Two", labels: { a: "b" } });
    const other = newId();
    const put201 = await put(other, minimal);
    expect([...told(put201), put201.headers.get("location")]).toEqual([201, "", "return=minimal", path(other)]);
  });

  test("with quotes that are never closed is read once", () => {
    const quotes = '\\"'.repeat(500_000);
    expect(wantsMinimal(`return=minimal, "${quotes}`)).toBe(true);
    expect(wantsMinimal(`"${quotes}\\`)).toBe(false);
  });

  test("is understood as the standard has it, and what is not understood is ignored", async () => {
    const id = await registered();
    const applied = async (prefer: string) => (await put(id, { prefer })).status === 204;
    for (const prefer of [
      "Return=Minimal",
      'return="minimal"',
      "respond-async, return=minimal; x=1",
      "return = minimal",
      'a="x, y";b, return=minimal,return=representation',
    ]) {
      expect([prefer, await applied(prefer)]).toEqual([prefer, true]);
    }
    for (const prefer of [
      "return=representation",
      "return=representation, return=minimal",
      "minimal",
      "return",
      "return=minimally",
      'a="return=minimal"',
      "",
      ";",
      '"',
      "x=return=minimal",
    ]) {
      expect([prefer, await applied(prefer)]).toEqual([prefer, false]);
    }
  });

  test("is not applied to what fails", async () => {
    expectProblem(await api.request("PATCH", path("nobody"), { json: {}, headers: minimal }), 404);
    expect(pointersOf(await put(newId(), minimal, { name: 7 }))).toEqual(["/name"]);
  });

  test("holds for a webhook's edit, and not where a secret is shown once", async () => {
    const made = await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" }, headers: minimal });
    expect(made.status).toBe(201);
    const { id, secret } = made.json<{ id: string; secret: string }>();
    expect(secret).toStartWith("whsec_");
    const edited = await api.request("PATCH", `/v1/webhooks/${id}`, { json: { description: "new" }, headers: minimal });
    expect([...told(edited), tagOf(edited)]).toEqual([204, "", "return=minimal", '"2"']);
    const rotated = await api.request("POST", `/v1/webhooks/${id}/rotate-secret`, { json: {}, headers: minimal });
    expect(rotated.text).toContain("whsec_");
    const token = await api.request("POST", "/v1/tokens", { json: { name: "t", scopes: ["admin"] }, headers: minimal });
    expect(token.json<{ token: string }>().token).toStartWith("tcs_");
    const renamed = await api.request("PATCH", `/v1/tokens/${token.json<{ id: string }>().id}`, { json: { name: "u" }, headers: minimal });
    expect(told(renamed)).toEqual([204, "", "return=minimal"]);
  });
});
