import { expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { isRunning } from "../../src/processes";
import { until } from "../until";

const ROOT = join(import.meta.dir, "../..");
const LAUNCHER = join(ROOT, "bin/tocsin.js");
const SECRET = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;

function launch(launcher: string, words: readonly string[]) {
  return Bun.spawn(["node", launcher, ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

test("the launcher runs under Node, and hands on words, output and exit code", async () => {
  const [good, bad] = [launch(LAUNCHER, ["--version"]), launch(LAUNCHER, ["tail", "--bogus"])];
  expect(await new Response(good.stdout).text()).toBe(`${version}\n`);
  expect(await good.exited).toBe(0);
  expect(await bad.exited).toBe(2);
});

test("without Bun it says in one line what to run, with the version that package.json pins", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-launcher-"));
  try {
    mkdirSync(join(folder, "bin"));
    cpSync(LAUNCHER, join(folder, "bin/tocsin.js"));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const child = launch(join(folder, "bin/tocsin.js"), ["up"]);
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { devDependencies: { bun: string } };
    expect(await new Response(child.stderr).text()).toBe(
      `tocsin: Bun is not installed in ${folder}; run there: npx -y bun@${devDependencies.bun} install --frozen-lockfile\n`,
    );
    expect(await child.exited).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A launcher with a command under it that runs until it is told to end. */
async function listening() {
  const child = launch(LAUNCHER, ["listen", "--port", "0", "--secret", SECRET]);
  const reader = child.stderr.getReader();
  let text = "";
  while (!text.includes("listening on")) text += new TextDecoder().decode((await reader.read()).value);
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  return { child, commandPid: Number(children) };
}

test("a signal reaches the command, whose exit code is the launcher's", async () => {
  const { child, commandPid } = await listening();
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  expect(isRunning(commandPid)).toBe(false);
});

test("a launcher that is killed leaves no command behind", async () => {
  const { child, commandPid } = await listening();
  child.kill("SIGKILL");
  await child.exited;
  await until(() => !isRunning(commandPid), "the command goes on");
});
