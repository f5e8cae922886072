import { expect, test } from "bun:test";
import type { Settlement, Store } from "../../src/store/store";
import { describeViolations } from "./ledger";
import { replaced, SabotagedService } from "./sabotaged";

const TEST_MS = 60_000;
const STATUSES = ["hot", "ok", "overheated", "ok", "door.open", "hot"];

/** One sensor's changes, so quickly that several wait at once. */
async function reportAtOnce(service: SabotagedService): Promise<void> {
  for (const [round, status] of STATUSES.entries()) await service.report("boiler-7", `m-${round}`, status);
}

/** A store that is told something else than what an endpoint answered. */
function settling(change: (settlement: Settlement) => Settlement): (real: Store) => Store {
  return (real) => replaced(real, "settle", (lease, ttlMs, settlements) => real.settle(lease, ttlMs, settlements.map(change)));
}

const BATCHES = { settings: { batch: { maxItems: 20, maxWaitMs: 1000 } } };
const SPACED = { settings: { mode: "latest", minIntervalSeconds: 1 }, answer: () => ({ status: 204, delayMs: 300 }) } as const;

test.each([
  { name: "batches", webhook: BATCHES },
  { name: "the latest, and a rest after each", webhook: SPACED },
  { name: "CloudEvents", webhook: { settings: { format: "cloudevents" } } as const },
])(
  "the service as it is gives the ledger nothing to say of $name",
  async ({ webhook }) => {
    await using service = await SabotagedService.open({}, webhook);
    await reportAtOnce(service);
    expect(describeViolations(await service.violations())).toBe("");
  },
  TEST_MS,
);

test(
  "batches that are filled from the wrong end are caught",
  async () => {
    const store = (real: Store) => {
      const unoffered = replaced(real, "commitPlan", async (plan) => ({ ...(await real.commitPlan(plan)), heads: [] }));
      return replaced(unoffered, "dueHeads", async (...query) => (await real.dueHeads(...query)).toReversed());
    };
    await using service = await SabotagedService.open({ store }, BATCHES);
    await reportAtOnce(service);
    const found = await service.violations();
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["arrival.disordered"]));
  },
  TEST_MS,
);

test(
  "a lane that does not rest after a success is caught",
  async () => {
    const restless = ({ verdict, ...rest }: Settlement): Settlement =>
      verdict.kind === "delivered" ? { ...rest, verdict: { kind: "delivered" } } : { ...rest, verdict };
    await using service = await SabotagedService.open({ store: settling(restless) }, SPACED);
    await reportAtOnce(service);
    const found = await service.violations();
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["arrival.tooSoon"]));
  },
  TEST_MS,
);

test(
  "a refusal that counts as a success is caught",
  async () => {
    const gullible = (settlement: Settlement): Settlement => ({ ...settlement, verdict: { kind: "delivered" } });
    const answer = () => ({ status: 500, delayMs: 0 });
    await using service = await SabotagedService.open({ store: settling(gullible) }, { answer });
    await reportAtOnce(service);
    const found = await service.violations();
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["delivery.unarrived"]));
  },
  TEST_MS,
);

test(
  "a delivery that is given up before it was refused three times is caught",
  async () => {
    const hasty = ({ verdict, ...rest }: Settlement): Settlement =>
      verdict.kind === "retry" ? { ...rest, verdict: { kind: "failed", reason: "rejected" } } : { ...rest, verdict };
    let refusals = 0;
    const answer = () => ({ status: (refusals += 1) > 2 ? 204 : 422, delayMs: 0 });
    await using service = await SabotagedService.open({ store: settling(hasty) }, { answer });
    await reportAtOnce(service);
    const found = await service.violations();
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["delivery.givenUp"]));
  },
  TEST_MS,
);
