import { expect, test } from "bun:test";
import type { ReportPublisher } from "../../src/jetstream/ports";
import type { BatchPart, Store } from "../../src/store/store";
import { describeViolations } from "./ledger";
import { replaced, SabotagedService } from "./sabotaged";

const STATUSES = ["ok", "hot", "overheated", "door.open"];
const TEST_MS = 60_000;

async function reportRounds(service: SabotagedService, from: number, to: number): Promise<void> {
  for (let round = from; round <= to; round += 1) {
    for (const sensorId of ["boiler-7", "pump-2"])
      await service.report(sensorId, `m-${round}`, STATUSES[round % STATUSES.length] as string);
  }
}

test(
  "the service as it is gives the ledger nothing to say",
  async () => {
    await using service = await SabotagedService.open({});
    await reportRounds(service, 1, 4);
    await service.restart();
    await reportRounds(service, 5, 8);
    expect(describeViolations(await service.violations())).toBe("");
  },
  TEST_MS,
);

test(
  "a publisher that answers before the PubAck is caught, once the broker dies in between",
  async () => {
    let hasty = false;
    const reports = (real: ReportPublisher): ReportPublisher => ({
      async publish(sensorId, payload) {
        if (!hasty) return real.publish(sensorId, payload);
        // The broker hears nothing from here on: what is written to it dies with it.
        await service.freezeBroker();
        real.publish(sensorId, payload).catch(() => {});
        return { stream: "REPORTS_1_0", sequence: 1, duplicate: false };
      },
    });
    await using service = await SabotagedService.open({ reports });
    await reportRounds(service, 1, 2);
    hasty = true;
    await service.report("boiler-7", "m-hasty", "critical");
    hasty = false;
    service.signalBroker("SIGKILL");
    await reportRounds(service, 3, 4);
    const found = await service.violations();
    expect(found).toMatchObject([{ kind: "report.lost", sensorId: "boiler-7", message: expect.stringContaining("m-hasty") }]);
  },
  TEST_MS,
);

test(
  "a plan that writes its cursor before its deliveries is caught, once the process dies in between",
  async () => {
    let crashed = false;
    const store = (real: Store) =>
      replaced(real, "commitPlan", async (plan) => {
        if (crashed || plan.to < 4 || plan.deliveries.length === 0) return real.commitPlan(plan);
        await real.commitPlan({ ...plan, deliveries: [] });
        crashed = true;
        throw new Error("died before the second transaction");
      });
    await using service = await SabotagedService.open({ store });
    await reportRounds(service, 1, 4);
    await service.settle();
    await service.restart();
    await reportRounds(service, 5, 6);
    const found = await service.violations();
    expect(crashed).toBe(true);
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["delivery.missing"]));
    expect(found[0]?.message).toContain("planning has passed it");
  },
  TEST_MS,
);

test(
  "an ingest that drops a change before the commit is caught",
  async () => {
    let dropped = false;
    const store = (real: Store) =>
      replaced(real, "commitBatch", async (parts) => {
        const [part] = parts as [BatchPart];
        const lost = part.changes.at(-1);
        if (dropped || lost === undefined || lost.revision < 3) return real.commitBatch(parts);
        dropped = true;
        await real.commitBatch([without(part, lost.number)]);
        throw new Error("died after the commit");
      });
    await using service = await SabotagedService.open({ store });
    await reportRounds(service, 1, 4);
    await service.settle();
    // What comes after it leaves the gap.
    await reportRounds(service, 5, 6);
    const found = await service.violations();
    expect(dropped).toBe(true);
    expect(found.map(({ kind }) => kind)).toContain("change.missing");
    expect(found.map(({ kind }) => kind)).toContain("revision.gap");
  },
  TEST_MS,
);

function without(part: BatchPart, number: number): BatchPart {
  return {
    ...part,
    to: { ...part.to, changeNumber: part.to.changeNumber - 1 },
    changes: part.changes.filter((change) => change.number !== number),
    reports: part.reports.map((row) => (row.changeNumber === number ? { ...row, changeNumber: null } : row)),
  };
}
