import type { Config } from "./config";
import { openErasure } from "./erasure";
import { openReportDays } from "./reportDays";
import { openRetention } from "./retention";
import { openSearchIndexing } from "./searchIndexing";
import type { Store } from "./store/store";
import type { Events } from "./telemetry/events";

export interface UpkeepOptions {
  readonly store: Store;
  readonly keep: Config["keep"];
  readonly events: Events;
}

/** What is done for the store beside everybody's work: each has its own times, and gives the others their turn. */
export function openUpkeep(stack: AsyncDisposableStack, { store, keep, events }: UpkeepOptions): void {
  const chores = [
    openRetention({ store, keep, events }),
    openErasure({ store, events }),
    openSearchIndexing({ store, events }),
    openReportDays({ store, events }),
  ];
  for (const chore of chores) stack.defer(() => chore.stop());
}
