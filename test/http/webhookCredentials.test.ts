import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { Authority } from "../receivers/certificates";
import { openTestApi, type TestApi } from "./api";
import { expectProblem, pointersOf } from "./problem";
import { webhookCalls } from "./webhookCalls";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const URL_OF_OURS = "https://example.com/hook";
const DAY_MS = 24 * 3600 * 1000;
const authority = new Authority();
const identity = authority.issue({ names: ["client.example.com"] });

const { create, patch, registered } = webhookCalls(() => api, URL_OF_OURS);

describe("headers of a webhook's own", () => {
  test("are shown by name, and edited one by one", async () => {
    const id = await registered({ headers: { "X-Api-Key": "k-1", "x-tenant": "north" } });
    expect((await api.request("GET", `/v1/webhooks/${id}`)).json()).toMatchObject({ headerNames: ["x-api-key", "x-tenant"] });
    const edited = await patch(id, { headers: { "X-TENANT": null, "x-new": "new value" } });
    expect(edited.json()).toMatchObject({ headerNames: ["x-api-key", "x-new"] });
    expect((await patch(id, { ratePerSecond: 1 })).json()).toMatchObject({ headerNames: ["x-api-key", "x-new"] });
    expect((await patch(id, { headers: null })).json()).toMatchObject({ headerNames: [] });
  });

  test("that belong to the request, or are none, are a 422", async () => {
    for (const name of [
      "host",
      "Content-Type",
      "content-length",
      "connection",
      "transfer-encoding",
      "webhook-signature",
      "Webhook-Id",
      "ce-type",
      "a b",
      "",
      "x".repeat(500),
      "x\nhost",
    ]) {
      expect(pointersOf(await create({ headers: { [name]: "v" } }))).toEqual([`/headers/${name}`]);
    }
    expect(pointersOf(await create({ headers: { "a/b~c": "v" } }))).toEqual(["/headers/a~1b~0c"]);
    for (const value of ["", " a", "a ", "a\r\nx-b: 1", "ü", "x".repeat(5000)]) {
      const problem = expectProblem(await create({ headers: { "x-a": value } }), 422);
      expect(problem.errors.map(({ pointer }) => pointer)).toEqual(["/headers/x-a"]);
    }
    expect(pointersOf(await create({ headers: { "x-a": "1", "X-A": "2" } }))).toEqual(["/headers/X-A"]);
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`x-${index}`, "v"]));
    expect(pointersOf(await create({ headers: many }))).toEqual(["/headers"]);
    const { "x-0": _, ...twenty } = many;
    const id = await registered({ headers: twenty });
    expect(pointersOf(await patch(id, { headers: { "x-0": "v" } }))).toEqual(["/headers"]);
  });
});

describe("who the endpoint is told that we are", () => {
  test("is shown without what proves it", async () => {
    const id = await registered({ auth: { type: "basic", username: "tocsin", password: "p-1" } });
    expect((await api.request("GET", `/v1/webhooks/${id}`)).json()).toMatchObject({ auth: { type: "basic", username: "tocsin" } });
    expect((await patch(id, { auth: { type: "bearer", token: "t-1" } })).json()["auth"]).toEqual({ type: "bearer" });
    expect((await patch(id, { headers: { "x-a": "1" } })).json()["auth"]).toEqual({ type: "bearer" });
    expect((await patch(id, { auth: null })).json()["auth"]).toBeNull();
  });

  test("that cannot be is a 422", async () => {
    for (const auth of [
      { type: "digest" },
      { type: "basic", username: "a:b", password: "c" },
      { type: "basic", username: "a" },
      { type: "bearer", token: "" },
      { type: "bearer", token: "a b" },
      { type: "bearer", token: "a", password: "b" },
    ]) {
      for (const pointer of pointersOf(await create({ auth }))) expect(pointer).toStartWith("/auth");
    }
    const both = { headers: { authorization: "Custom x" }, auth: { type: "bearer", token: "t" } };
    expect(pointersOf(await create(both))).toEqual(["/auth"]);
    expect((await create({ headers: both.headers })).status).toBe(201);
  });
});

describe("a client certificate", () => {
  test("is shown by subject, fingerprint and end", async () => {
    const id = await registered({ clientCertificate: { ...identity, ca: authority.certificate } });
    const { fingerprint256, validTo } = new X509Certificate(identity.certificate);
    const shown = { subject: "CN=client.example.com", fingerprint256, validTo: new Date(validTo).toISOString() };
    expect((await api.request("GET", `/v1/webhooks/${id}`)).json()["clientCertificate"]).toEqual(shown);
    expect((await patch(id, { auth: { type: "bearer", token: "t" } })).json()["clientCertificate"]).toEqual(shown);
    expect((await patch(id, { clientCertificate: null })).json()["clientCertificate"]).toBeNull();
  });

  test("that cannot work is a 422 which points at its part", async () => {
    const other = authority.issue({ names: ["other.example.com"] });
    const over = authority.issue({ names: ["over.example.com"], from: Date.now() - 2 * DAY_MS, until: Date.now() - DAY_MS });
    const pointers = async (clientCertificate: object) =>
      pointersOf(await create({ clientCertificate })).map((pointer) => pointer.replace("/clientCertificate", ""));
    expect(await pointers({ ...identity, certificate: "none" })).toEqual(["/certificate"]);
    expect(await pointers({ ...identity, key: "none" })).toEqual(["/key"]);
    expect(await pointers({ ...identity, key: identity.certificate })).toEqual(["/key"]);
    expect(await pointers({ ...identity, key: other.key })).toEqual(["/key"]);
    expect(await pointers(over)).toEqual(["/certificate"]);
    expect(await pointers({ ...identity, ca: "none" })).toEqual(["/ca"]);
    expect(await pointers({ certificate: identity.certificate })).toEqual(["/key"]);
    expect(await pointers({ certificate: `${identity.certificate}${authority.certificate}`, key: identity.key, ca: "x" })).toEqual(["/ca"]);
  });

  test("needs https, whichever of the two was there first", async () => {
    const clientCertificate = identity;
    expect(pointersOf(await create({ url: "http://example.com/", clientCertificate }))).toEqual(["/clientCertificate"]);
    const id = await registered({ clientCertificate });
    expect(pointersOf(await patch(id, { url: "http://example.com/" }))).toEqual(["/clientCertificate"]);
    expect((await patch(id, { url: "http://example.com/", clientCertificate: null })).status).toBe(200);
    expect(pointersOf(await patch(id, { clientCertificate }))).toEqual(["/clientCertificate"]);
  });
});
