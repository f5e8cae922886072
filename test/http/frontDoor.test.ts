import { expect, test } from "bun:test";
import { openTestApi } from "./api";
import { expectProblem } from "./problem";

/** As Firefox and Chromium send it. */
const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const STRANGER = { token: null };

test("a browser that is given the address alone is sent to the reference, with a token or without", async () => {
  await using api = await openTestApi();
  for (const [method, path, sent] of [
    ["GET", "/", STRANGER],
    ["GET", "/?from=mail", STRANGER],
    ["HEAD", "/", STRANGER],
    ["GET", "/", {}],
  ] as const) {
    const answer = await api.request(method, path, { ...sent, headers: BROWSER });
    const names = ["location", "cache-control", "x-content-type-options", "vary"];
    const shown = [answer.status, ...names.map((name) => answer.headers.get(name))];
    expect({ method, path, shown }).toEqual({ method, path, shown: [303, "/swagger", "no-store", "nosniff", "accept"] });
  }
  const page = await fetch(api.url, { headers: BROWSER });
  expect([page.status, page.redirected, page.headers.get("content-type")]).toEqual([200, true, "text/html; charset=utf-8"]);
});

test("programs, other methods and other paths are answered as ever", async () => {
  await using api = await openTestApi();
  for (const accept of ["*/*", "application/json", "text/*", "application/json, text/html;q=0", "text/html; q=0.0", ""]) {
    expectProblem(await api.request("GET", "/", { ...STRANGER, headers: { accept } }), 401);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    expectProblem(await api.request(method, "/", { ...STRANGER, headers: BROWSER }), 401);
  }
  for (const path of ["/v1", "/v1/sensors", "/nothing", "/index.html"]) {
    expectProblem(await api.request("GET", path, { ...STRANGER, headers: BROWSER }), 401);
  }
  expectProblem(await api.request("GET", "/"), 404);
});

test("a node without the role http says so, whoever asks for whatever, and answers who watches it", async () => {
  await using api = await openTestApi({ probesAlone: true });
  for (const [method, path] of [
    ["GET", "/"],
    ["GET", "/swagger"],
    ["GET", "/v1/sensors"],
    ["POST", "/v1/sensors"],
  ] as const) {
    for (const token of [null, "no-token-of-ours"]) {
      const { detail } = expectProblem(await api.request(method, path, { token, headers: BROWSER }), 404);
      expect(detail).toContain("The API is not served here");
    }
  }
  for (const path of ["/livez", "/readyz", "/metrics"]) expect((await api.request("GET", path, STRANGER)).status).toBe(200);
  expectProblem(await api.request("POST", "/livez", STRANGER), 405);
});
