import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { buildClient } from "../../build/client";
import { openBrowser } from "../servers/browser";
import { ADMIN_TOKEN, inherited, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { repoRoot } from "../verify/repo";

const SCENARIO = join(import.meta.dir, "roundTrip.js");

let folder: string;
let page: ReturnType<typeof Bun.serve>;
let tocsin: TocsinProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-client-"));
  // As npm would install it.
  const installed = join(folder, "node_modules/tocsin");
  await buildClient(join(installed, "dist/client"));
  cpSync(join(repoRoot, "package.json"), join(installed, "package.json"));
  // By itself it is a package, too.
  cpSync(join(installed, "dist/client"), join(folder, "node_modules/tocsin-client"), { recursive: true });
  cpSync(SCENARIO, join(folder, "roundTrip.mjs"));
  page = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    routes: {
      "/": new Response("<!doctype html><title>A dashboard</title>", { headers: { "content-type": "text/html" } }),
      "/client.js": new Response(Bun.file(join(installed, "dist/client/index.js"))),
      "/roundTrip.js": new Response(Bun.file(SCENARIO)),
    },
  });
  tocsin = await startTocsin({ env: { CORS_ORIGINS: page.url.origin } });
}, 240_000);
afterAll(async () => {
  await tocsin?.[Symbol.asyncDispose]();
  await page?.stop(true);
  rmSync(folder, { recursive: true, force: true });
});

function expected(id: string) {
  return { heard: [`${id} overheated čtyři 🔔`, `${id} ok null`], listed: [1, 2], refused: 401 };
}

/** Runs the scenario in a process of another program, which knows the package by its name alone. */
async function runBy(program: string, packageName: string, id: string): Promise<unknown> {
  const settings = JSON.stringify({ url: tocsin.httpUrl, token: ADMIN_TOKEN, id });
  const script = `import * as client from "${packageName}"; import { roundTrip } from "./roundTrip.mjs"; console.log(JSON.stringify(await roundTrip(client, ${settings})));`;
  const file = join(folder, `${id}.mjs`);
  await Bun.write(file, script);
  const child = Bun.spawn([program, file], { cwd: folder, env: inherited(), stdout: "pipe", stderr: "pipe" });
  const [output, complaint, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${complaint}`);
  return JSON.parse(output);
}

test.each(["tocsin/client", "tocsin-client"])(
  "the types of %s are found by who installs it, and are strict",
  async (name) => {
    const file = join(folder, "user.mts");
    const use = (id: string) => `import { createClient, type Sensor } from "${name}";
    export const sensor: Promise<Sensor> = createClient({ url: "" }).get("/v1/sensors/{id}", { path: { id: ${id} } });`;
    const complaints = async (id: string) => {
      await Bun.write(file, use(id));
      const program = ts.createProgram([file], {
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        target: ts.ScriptTarget.ES2022,
        lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
        types: [],
        strict: true,
        noEmit: true,
      });
      return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
    };
    expect(await complaints('"boiler-7"')).toEqual([]);
    expect(await complaints("7")).toEqual(["Type 'number' is not assignable to type 'string'."]);
  },
  180_000,
);

test("the client does its work in Node", async () => {
  expect(await runBy(Bun.which("node") ?? "node", "tocsin/client", "in-node")).toEqual(expected("in-node"));
}, 180_000);

test("the client does its work in Bun", async () => {
  expect(await runBy(process.execPath, "tocsin-client", "in-bun")).toEqual(expected("in-bun"));
}, 180_000);

test("the client does its work in a page of another origin, and in one of the API's own", async () => {
  await using browser = await openBrowser();
  for (const { at, url, id } of [
    { at: page.url.href, url: tocsin.httpUrl, id: "in-a-page" },
    { at: `${tocsin.httpUrl}/swagger`, url: "", id: "in-our-page" },
  ]) {
    const tab = await browser.context.newPage();
    await tab.goto(at);
    // As a text, because the API's own page lets no script in that is not the API's.
    const scenario = (await Bun.file(SCENARIO).text()).replace("export async function", "async function");
    const settings = JSON.stringify({ url, token: ADMIN_TOKEN, id });
    const result = await tab.evaluate(`import("/client.js").then((client) => { ${scenario}\nreturn roundTrip(client, ${settings}); })`);
    expect(result).toEqual(expected(id));
    await tab.close();
  }
}, 180_000);
