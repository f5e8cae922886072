import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const get = (path: string) => api.request("GET", path, { token: null });

test("the reference page and all that it loads are served here, to whoever asks", async () => {
  const page = await get("/swagger");
  expect(page.headers.get("content-type")).toContain("text/html");
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path as string);
  expect(loaded.length).toBeGreaterThanOrEqual(4);
  for (const path of loaded) {
    expect(path).toMatch(/^\/swagger\/[\w.-]+$/);
    const file = await get(path);
    expect({ path, status: file.status }).toEqual({ path, status: 200 });
    const wanted = path.endsWith(".css") ? "text/css" : path.endsWith(".js") ? "text/javascript" : "image/png";
    expect(file.headers.get("content-type")).toContain(wanted);
  }
});

test("the page holds no script of its own, and may load nothing from outside", async () => {
  const page = await get("/swagger");
  expect([...page.text.matchAll(/<script(?![^>]* src=)[^>]*>/g)]).toEqual([]);
  expect([...page.text.matchAll(/\son\w+=|style=|<style/g)]).toEqual([]);
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});

test("what the page loads refers to nothing outside", async () => {
  const page = await get("/swagger");
  expect(page.text).not.toMatch(/https?:|\/\//);
  const start = await get("/swagger/start.js");
  expect(start.text).not.toMatch(/https?:|\/\//);
  expect(start.text).toContain('url: "/swagger/json"');
  expect(start.text).toContain("validatorUrl: null");
  const style = await get("/swagger/swagger-ui.css");
  for (const [, address] of style.text.matchAll(/url\(\s*["']?([^)"']*)/g)) expect(address).toStartWith("data:");
  expect(style.text).not.toContain("@import");
});

test("the client is one file of JavaScript that needs no other", async () => {
  const script = await get("/client.js");
  expect(script.headers.get("content-type")).toContain("text/javascript");
  const exported = new Bun.Transpiler({ loader: "js" }).scan(script.text);
  expect(exported.imports).toEqual([]);
  expect(exported.exports.toSorted()).toEqual(["TocsinProblem", "createClient"]);
});
