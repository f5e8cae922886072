import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { endLeftovers, leftovers, MARK } from "./leftovers";

test("a process that a test left running is found by its mark and ended, whoever its parent is", async () => {
  const mark = crypto.randomUUID();
  const env = { PATH: process.env["PATH"], [MARK]: mark };
  const child = spawn("sh", ["-c", "sleep 600 & exec sleep 600"], { env, detached: true, stdio: "ignore" });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const started = async () => (await leftovers(mark, 0)).filter(({ command }) => command === "sleep 600");
  const deadline = performance.now() + 30_000;
  while ((await started()).length < 2 && performance.now() < deadline) await Bun.sleep(5);

  expect((await started()).map(({ pid }) => pid)).toContain(child.pid ?? 0);
  expect(await started()).toHaveLength(2);
  endLeftovers(await leftovers(mark, 0));
  await exited;
  expect(await leftovers(mark, 30_000)).toEqual([]);
});

test("nobody else's process is one", async () => {
  expect(await leftovers(crypto.randomUUID(), 0)).toEqual([]);
});
