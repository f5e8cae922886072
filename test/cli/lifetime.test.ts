import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { isRunning } from "../../src/processes";

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
  expect(performance.now() - askedAt).toBeWithin(250, 1500);
  expect(await new Response(child.stderr).text()).toBe("tocsin: not ended after 0.3 s; forced\n");
});

test("the same Ctrl-C heard twice is one, and a second one ends at once", async () => {
  const child = await hold(10_000);
  child.kill("SIGINT");
  expect(await firstLine(child.stdout)).toBe("asked: SIGINT\n");
  child.kill("SIGINT");
  const later = setInterval(() => child.kill("SIGINT"), 700);
  const askedAt = performance.now();
  expect(await child.exited).toBe(130);
  clearInterval(later);
  expect(performance.now() - askedAt).toBeWithin(600, 2500);
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
  const deadline = performance.now() + 5000;
  while (isRunning(pid) && performance.now() < deadline) await Bun.sleep(20);
  expect(isRunning(pid)).toBe(false);
});
