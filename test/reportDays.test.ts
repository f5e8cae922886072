import { expect, test } from "bun:test";
import { openReportDays } from "../src/reportDays";
import { createEvents } from "../src/telemetry/events";
import { openLog } from "../src/telemetry/log";
import { openMetrics } from "../src/telemetry/metrics";

async function shownAfter(prepareDays: () => Promise<number | null>): Promise<string | undefined> {
  const metrics = openMetrics();
  await openReportDays({ store: { prepareDays }, events: createEvents(openLog("silent"), metrics) }).stop();
  return /^tocsin_report_days_ahead (.*)$/m.exec(await metrics.registry.metrics())?.[1];
}

test("how many days of reports there is room for is shown where the store needs room, and only there", async () => {
  expect(await shownAfter(() => Promise.resolve(7))).toBe("7");
  expect(await shownAfter(() => Promise.resolve(null))).toBeUndefined();
  expect(await shownAfter(() => Promise.reject(new Error("the database is away")))).toBeUndefined();
});
