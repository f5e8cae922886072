import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENDPOINT_STRIKE_KINDS, STRIKE_KINDS } from "../../chaos/plan";
import type { Damage } from "../ledger/damage";
import { NODE_DAMAGES } from "../ledger/nodeDamages";
import { LOG_DAMAGES } from "../ledger/logDamages";
import type { Evidence } from "../ledger/evidence";
import { evidenceOf, histories } from "../ledger/histories";

const RUN = join(import.meta.dir, "../../chaos/run.ts");
const ROUNDS = 8;
const RUN_MS = 600_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-chaos-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function chaos(...args: string[]): Promise<{ code: number; text: string }> {
  const child = Bun.spawn([process.execPath, "--no-env-file", RUN, ...args], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  return { code: await child.exited, text };
}

test(
  "three nodes, and those whom they tell, struck in each way that there is, keep every promise",
  async () => {
    const { code, text } = await chaos("--rounds", String(ROUNDS), "--seed", "871", "--json");
    expect(code === 0 ? "" : text).toBe("");
    for (const kind of [...STRIKE_KINDS, ...ENDPOINT_STRIKE_KINDS]) expect(text).toContain(kind);
    const { chaos: word, settings, figures } = JSON.parse(text.trim().split("\n").at(-1) as string) as Printed;
    expect(word).toBe("every promise was kept");
    expect(settings).toMatchObject({ rounds: ROUNDS, seed: 871, nodes: 3, partitions: 4, cluster: false });
    // It has tested something.
    expect(figures["reportsOverNats"]).toBeGreaterThan(1000);
    for (const road of ["reportsOverHttp", "changes", "deliveries"]) expect(figures[road]).toBeGreaterThan(300);
    for (const few of ["reportsLoggedOverMqtt", "duplicates", "late", "timeouts", "coalesced", "batches", "replayed"])
      expect(figures[few]).toBeGreaterThan(5);
    expect(figures["events"]).toBeGreaterThan(0);
    expect(figures["replays"]).toBeGreaterThan(1);
    expect(figures["endpointsStruck"]).toBeGreaterThanOrEqual(ENDPOINT_STRIKE_KINDS.length);
  },
  RUN_MS,
);

interface Printed {
  readonly chaos: string;
  readonly settings: Record<string, unknown>;
  readonly figures: Record<string, number>;
}

test.each([
  "an acknowledged report is lost behind the cursor",
  "a message is committed twice",
  "two changes of a sensor are swapped",
  "the time in which the broker was off counts as a silence",
])("%s: exit code 1, with the history of the sensor concerned", async (name) => {
  const { kind, damage } = [...LOG_DAMAGES, ...NODE_DAMAGES].find((one) => one.name === name) as Damage;
  const damaged = kept(50)
    .map((evidence) => damage(evidence, 1))
    .find((evidence) => evidence !== null);
  const file = join(folder, "damaged.json");
  writeFileSync(file, JSON.stringify(damaged));
  const { code, text } = await chaos("--judge", file);
  expect(code).toBe(1);
  expect(text).toContain(kind);
  expect(text).toMatch(/^(boiler|pump)-\d:\n {2}(log|acknowledged) /m);
});

test("what kept every promise is exit code 0", async () => {
  const file = join(folder, "sound.json");
  writeFileSync(file, JSON.stringify(kept(1)[0]));
  expect(await chaos("--judge", file)).toEqual({ code: 0, text: "every promise was kept\n" });
});

test("--help says what it does, and a wrong flag is exit code 2", async () => {
  const { code, text } = await chaos("--help");
  expect([code, text]).toEqual([0, expect.stringContaining("--rounds N")]);
  expect((await chaos("--rounds", "many")).code).toBe(2);
});

function kept(count: number): Evidence[] {
  return fc.sample(histories, { seed: 3, numRuns: count }).map(evidenceOf);
}
