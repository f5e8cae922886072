/**
 * The document against the service: inputs are made from the document alone, good ones and bad ones, in sequences that use what earlier
 * answers gave, and every answer must be one that the document tells of.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { connect } from "@nats-io/transport-node";
import fc from "fast-check";
import { SCOPES } from "../../src/domain/token";
import { openReceiver, type Receiver } from "../receivers/receiver";
import { ADMIN_TOKEN, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";
import { ContractRun } from "./contract/run";
import { anySteps, goodSteps, type Step } from "./contract/steps";
import { type Described, type OpenapiDocument, operationsOf } from "./document";

/** CONTRACT_RUNS=5000 looks longer; CONTRACT_SEED=42 looks at what a failure printed. */
const RUNS = Number(process.env["CONTRACT_RUNS"] ?? 600);
const SEED = Number(process.env["CONTRACT_SEED"] ?? 1);
const STEPS_MAX = 8;
/** So often everything is called rightly once more, where a success did not come by chance. */
const ROUNDS = 100;
const TEST_MS = 120_000 + RUNS * 400;

let tocsin: TocsinProcess;
let receiver: Receiver;
let document: OpenapiDocument;
let operations: Described[];
let contract: ContractRun;

beforeAll(async () => {
  // Some endpoints fail, so that deliveries do.
  receiver = openReceiver(({ revision }) => ({ status: revision % 3 === 0 ? 500 : 204 }));
  tocsin = await startTocsin();
  document = (await (await tocsin.api("/swagger/json")).json()) as OpenapiDocument;
  operations = operationsOf(document);
  const scopes = SCOPES.filter((scope) => scope !== "admin");
  const tokens = await Promise.all([
    ...scopes.map((scope) => mint([scope])),
    ...scopes.map((scope) => mint(scopes.filter((each) => each !== scope))),
  ]);
  const [exact, others] = [tokens.slice(0, scopes.length), tokens.slice(scopes.length)].map(
    (some) => new Map(some.map(({ token }, index) => [scopes[index] as string, token])),
  ) as [Map<string, string>, Map<string, string>];
  await leaveDeadLetters();
  leaveIncident();
  contract = new ContractRun({
    url: tocsin.httpUrl,
    document,
    access: { admin: ADMIN_TOKEN, exact, others },
    spared: new Set(tokens.map(({ id }) => id)),
    receiver: new URL(receiver.url).origin,
  });
});
afterAll(async () => {
  await tocsin?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

async function mint(scopes: readonly string[]): Promise<{ id: string; token: string }> {
  const answer = await tocsin.api("/v1/tokens", { method: "POST", body: JSON.stringify({ name: "contract", scopes }) });
  return (await answer.json()) as { id: string; token: string };
}

/** Nothing that is asked can bring one about. */
function leaveIncident(): void {
  const database = new Database(tocsin.dbFile);
  database
    .prepare("insert into incidents (id, kind, partition, detail, recorded_at) values (?, ?, 0, ?, ?)")
    .run("inc_1", "stream.recreated", JSON.stringify({ stream: "REPORTS_1_0" }), Date.now());
  database.close();
}

/** Over HTTP nothing can become one. */
async function leaveDeadLetters(): Promise<void> {
  const nats = await connect({ servers: tocsin.natsUrl });
  for (const payload of ["{", "Not A Status", '{"status":1}']) nats.publish("sensors.boiler-7.status", payload);
  await nats.drain();
  await until(async () => {
    const { items } = (await (await tocsin.api("/v1/dead-letters")).json()) as { items: unknown[] };
    return items.length === 3;
  });
}

test(
  "every answer to whatever is asked is one that the document tells of, and every success that it tells of comes",
  async () => {
    const sequence = fc.array(anySteps(operations, document), { minLength: 1, maxLength: STEPS_MAX, size: "max" });
    await fc.assert(
      fc.asyncProperty(sequence, async (steps) => {
        for (const step of steps) await contract.make(step);
      }),
      {
        numRuns: RUNS,
        seed: SEED,
        interruptAfterTimeLimit: TEST_MS / 2,
        markInterruptAsFailure: true,
      },
    );
    const good = operations.map((described) => ({
      described,
      steps: fc.sample(goodSteps(described, document), { numRuns: ROUNDS, seed: SEED }),
    }));
    for (let round = 0; round < ROUNDS && contract.missing(operations).length > 0; round += 1) {
      for (const { described, steps } of good) {
        // What is there helps the others.
        const isWanted = described.method !== "DELETE" || contract.missing([described]).length > 0;
        if (isWanted) await contract.make(steps[round] as Step);
      }
    }
    const counts = [...contract.counts()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([answer, count]) => `${count} × ${answer}`);
    console.log(`${contract.steps} calls, ${counts.length} kinds of answers`);
    if (process.env["CONTRACT_COUNTS"] !== undefined) console.log(counts.join("\n"));
    expect(contract.missing(operations)).toEqual([]);
  },
  TEST_MS,
);
