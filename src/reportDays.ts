import type { MaintenanceStore } from "./store/store";
import type { Events } from "./telemetry/events";

const EVERY_MS = 3600_000;
/** Room enough for a week in which nobody could make any. */
const DAYS_AHEAD = 7;

/** Makes room for the reports of the days to come, where the store needs it, and says how far it reaches. */
export function openReportDays({ store, events }: { store: Pick<MaintenanceStore, "prepareDays">; events: Events }) {
  let running = prepare();
  const timer = setInterval(() => {
    running = running.then(prepare);
  }, EVERY_MS);

  async function prepare(): Promise<void> {
    try {
      const ahead = await store.prepareDays(DAYS_AHEAD);
      if (ahead !== null) events.reportDaysPrepared(ahead);
    } catch (error) {
      events.failed("report-days", error);
    }
  }

  return {
    async stop(): Promise<void> {
      clearInterval(timer);
      await running;
    },
  };
}
