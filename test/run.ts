/**
 * `npm test`: gets what the tests need, runs them, and ends with the line `N passed, N failed`. What is passed on narrows it down:
 * `npm test -- test/domain`, `npm test -- -t "late"`.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Failure, readJunit } from "./runner/junit";
import { endLeftovers, leftovers, MARK } from "./runner/leftovers";
import { provideNeeds } from "./runner/needs";
import { filesWanted } from "./runner/wanted";

const root = join(import.meta.dir, "..");
/** Files run side by side, each in a global of its own; every server listens on a free port. */
const WORKERS = 3;
/** Many times what the longest of them take where nothing else runs; those that take longest name more. */
const TEST_MS = 120_000;
/** The suite takes seven or eight minutes on two cores that have nothing else to do; a machine may have much else to do. */
const RUN_MS = 40 * 60_000;
const LEFTOVERS_GRACE_MS = 15_000;

const args = process.argv.slice(2);
const mark = crypto.randomUUID();
const folder = mkdtempSync(join(tmpdir(), "tocsin-test-run-"));
try {
  process.exitCode = await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log("0 passed, 1 failed");
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<number> {
  const junit = join(folder, "junit.xml");
  const code = await runTests(junit, await provideNeeds());
  const results = readJunit((await Bun.file(junit).exists()) ? readFileSync(junit, "utf8") : "");
  const failures = [...results.failures, ...(await besideTests(code, results))];
  for (const { file, line, name, reason } of failures)
    console.log(`failed: ${file}${line === null ? "" : `:${line}`} ${name}\n    ${reason}`);
  console.log(`${results.passed} passed, ${failures.length} failed`);
  return code === 0 && failures.length > 0 ? 1 : code;
}

/** The runner's exit code. Its output is shown as it comes. */
async function runTests(junit: string, needs: Record<string, string>): Promise<number> {
  const flags = [`--parallel=${WORKERS}`, `--timeout=${TEST_MS}`, "--reporter=junit", `--reporter-outfile=${junit}`];
  const child = Bun.spawn([process.execPath, "--no-env-file", "test", ...flags, ...args], {
    cwd: root,
    env: { ...process.env, ...needs, [MARK]: mark },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const stop = () => child.kill("SIGTERM");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  const limit = setTimeout(() => {
    console.error(`the tests took longer than ${RUN_MS / 60_000} minutes and are ended`);
    child.kill("SIGKILL");
  }, RUN_MS);
  const code = await child.exited;
  clearTimeout(limit);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  return code;
}

/** What the runner's results do not show: files that could not be read, tests left out, processes left running. */
async function besideTests(code: number, { files, skipped, failures }: ReturnType<typeof readJunit>): Promise<Failure[]> {
  const found: Failure[] = [];
  const add = (file: string, name: string, reason: string) => found.push({ file, line: null, name, reason });
  const wanted = filesWanted(root, args);
  for (const file of wanted ?? []) if (!files.has(file)) add(file, "did not run", "it could not be read, or holds no test: see above");
  if (wanted !== null) for (const name of skipped) add(name, "was left out", "every test runs everywhere");
  const running = await leftovers(mark, LEFTOVERS_GRACE_MS);
  endLeftovers(running);
  for (const { pid, command } of running) add("a process", "was left running", `${pid} ${command}`);
  if (code !== 0 && failures.length + found.length === 0) add("the runner", "failed", `exit code ${code}: see above`);
  return found;
}
