#!/usr/bin/env node
// Finds the Bun of this package and runs Tocsin under it. Plain Node, because a bare machine has nothing else on its PATH.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Without its install script, the `bun` package holds a few lines of text where the program should be. */
const PROGRAM_BYTES_MIN = 1_000_000;
const PARENT_LOOK_MS = 250;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

const bun = findBun();
if (bun === null) {
  console.error(`tocsin: Bun is not installed in ${root}; run there: npx -y bun@1.4.5 install --frozen-lockfile`);
  process.exit(1);
}
run(bun);

function findBun() {
  const modules = join(root, "node_modules");
  const platforms = join(modules, "@oven");
  const packaged = existsSync(platforms) ? readdirSync(platforms).map((name) => join(platforms, name, "bin", "bun")) : [];
  return [join(modules, ".bin", "bun"), ...packaged].find(isProgram) ?? null;
}

function isProgram(file) {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= PROGRAM_BYTES_MIN;
}

function run(program) {
  const child = spawn(program, [join(root, "src", "main.ts"), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, TOCSIN_LAUNCHED: "1" },
  });
  // At a terminal the child hears Ctrl-C by itself, too; it takes the second one for the same key press.
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  watchParent(child);
  child.on("error", (error) => {
    console.error(`tocsin: ${program} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    for (const name of SIGNALS) process.removeAllListeners(name);
    if (signal === null) process.exit(code ?? 1);
    process.kill(process.pid, signal);
  });
}

/** npx starts us by a shell and dies from SIGTERM without telling either. */
function watchParent(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    child.kill("SIGTERM");
  }, PARENT_LOOK_MS);
  timer.unref();
}
