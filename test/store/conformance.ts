import { describe } from "bun:test";
import { auditPromises } from "./conformance/audit";
import { changeFeedPromises } from "./conformance/changeFeed";
import { changePromises } from "./conformance/changes";
import { coalescingPromises } from "./conformance/coalescing";
import { cursorPromises } from "./conformance/cursors";
import { deadLetterPromises } from "./conformance/deadLetters";
import { deliveryPromises } from "./conformance/deliveries";
import { endingPromises } from "./conformance/endings";
import { type Promises, putToTheTest, type StoreHarness } from "./conformance/harness";
import { erasurePromises } from "./conformance/erasure";
import { tracePromises } from "./conformance/erasureTraces";
import { historyPromises } from "./conformance/history";
import { idempotencyPromises } from "./conformance/idempotency";
import { incidentPromises } from "./conformance/incidents";
import { ingestPromises } from "./conformance/ingest";
import { laneOrderPromises } from "./conformance/laneOrder";
import { lanesByTermsPromises } from "./conformance/lanesByTerms";
import { lanesLedPromises } from "./conformance/lanesLed";
import { lanesWalkPromises } from "./conformance/lanesWalk";
import { maintenancePromises } from "./conformance/maintenance";
import { operationalEventPromises } from "./conformance/operationalEvents";
import { oddTextPromises } from "./conformance/oddTexts";
import { partitionPromises } from "./conformance/partitions";
import { planPromises } from "./conformance/plan";
import { replayPromises } from "./conformance/replays";
import { sameEditPromises } from "./conformance/sameEdits";
import { searchPromises } from "./conformance/search";
import { sensorListPromises } from "./conformance/sensorList";
import { sensorPromises } from "./conformance/sensors";
import { sensorPutPromises } from "./conformance/sensorPuts";
import { sensorReadPromises } from "./conformance/sensorReads";
import { sharedSecretPromises } from "./conformance/sharedSecrets";
import { knownSensorPromises } from "./conformance/sensorsKnown";
import { statusPromises } from "./conformance/statuses";
import { timelinePromises } from "./conformance/timeline";
import { tokenPromises } from "./conformance/tokens";
import { upsertPromises } from "./conformance/upserts";
import { webhookPromises } from "./conformance/webhooks";

const ALL = [
  ...partitionPromises,
  ...ingestPromises,
  ...knownSensorPromises,
  ...changePromises,
  ...changeFeedPromises,
  ...planPromises,
  ...deliveryPromises,
  ...endingPromises,
  ...laneOrderPromises,
  ...lanesByTermsPromises,
  ...lanesLedPromises,
  ...coalescingPromises,
  ...lanesWalkPromises,
  ...oddTextPromises,
  ...operationalEventPromises,
  ...replayPromises,
  ...sensorPromises,
  ...sensorPutPromises,
  ...upsertPromises,
  ...sameEditPromises,
  ...sensorListPromises,
  ...searchPromises,
  ...sensorReadPromises,
  ...sharedSecretPromises,
  ...historyPromises,
  ...erasurePromises,
  ...tracePromises,
  ...cursorPromises,
  ...webhookPromises,
  ...deadLetterPromises,
  ...timelinePromises,
  ...statusPromises,
  ...tokenPromises,
  ...auditPromises,
  ...idempotencyPromises,
  ...incidentPromises,
  ...maintenancePromises,
];

/** Those that have to do with the log of reports. */
export const REPORT_PROMISES = [...ingestPromises, ...historyPromises, ...erasurePromises, ...cursorPromises, ...maintenancePromises];

/** What every driver promises (src/store/store.ts). A driver's test is a harness and one call; nothing here knows one. */
export function storeConformance(name: string, harness: StoreHarness, promises: readonly Promises[] = ALL): void {
  describe(`the store on ${name}`, () => {
    for (const each of promises) putToTheTest(each, harness);
  });
}
