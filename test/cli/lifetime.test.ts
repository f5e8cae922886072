import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { isRunning } from "../../src/processes";
import { until } from "../until";

const HOLDER = join(import.meta.dir, "holdLifetime.ts");
type Child = Subprocess<"ignore", "pipe", "pipe">;
const children: Child[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function hold(deadlineMs: number): Promise<Child> {
  const child = Bun.spawn([process.execPath, HOLDER, String(deadlineMs)], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  children.push(child);
  await firstLine(child.stdout);
  return child;
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return new TextDecoder().decode(value);
}

test("an end that takes too long is forced, with exit code 1", async () => {
  const child = await hold(300);
  const askedAt = performance.now();
  child.kill("SIGTERM");
  expect(await child.exited).toBe(1);
  expect(performance.now() - askedAt).toBeGreaterThan(250);
  expect(await new Response(child.stderr).text()).toBe("tocsin: not ended after 0.3 s; forced\n");
});

test("the same Ctrl-C heard twice is one, and a second one ends at once", async () => {
  // A press counts as the same one for half a second: on a machine that is late, the next try comes in time.
  for (let tries = 1; ; tries += 1) {
    const child = await hold(60_000);
    child.kill("SIGINT");
    expect(await firstLine(child.stdout)).toBe("asked: SIGINT\n");
    child.kill("SIGINT");
    await Bun.sleep(700);
    const outlivedIt = child.exitCode === null;
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    if (outlivedIt) return;
    expect(tries).toBeLessThan(5);
  }
});

test("a launched program ends when its launcher is gone", async () => {
  const script = `const child = Bun.spawn([process.execPath, ${JSON.stringify(HOLDER)}, "300", "launched"], { stdout: "inherit" });
    console.error(child.pid); await child.exited;`;
  const launcher = Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  children.push(launcher);
  const pid = Number(await firstLine(launcher.stderr));
  expect(await firstLine(launcher.stdout)).toBe("ready\n");
  launcher.kill("SIGKILL");
  await launcher.exited;
  await until(() => !isRunning(pid), "the program goes on");
});
