/** Proves the promises from the evidence alone: pure, and with a model of its own instead of the code under test. */
import { checkArrivals } from "./arrivals";
import { type Books, type Finding, openBooks } from "./books";
import { checkDeliveries } from "./deliveries";
import { checkEndings } from "./endings";
import type { Evidence } from "./evidence";
import { historyOf } from "./history";
import { checkLog } from "./log";
import { checkOperational } from "./operational";
import { checkPublications } from "./publications";
import { checkPlaces } from "./places";
import { checkReplay } from "./replay";
import { checkReplays } from "./replays";
import { checkSpacing } from "./spacing";

/** A broken promise, with all that is known of the sensor concerned as text ("" when it concerns none in particular). */
export interface Violation extends Finding {
  readonly history: string;
}

const CHECKS: readonly ((books: Books) => Iterable<Finding>)[] = [
  checkLog,
  checkPlaces,
  checkReplay,
  checkPublications,
  checkDeliveries,
  checkEndings,
  checkArrivals,
  checkSpacing,
  checkOperational,
  checkReplays,
];

/** Everything that is missing, doubled, out of order or without ground. Empty when every promise was kept. */
export function findViolations(evidence: Evidence): Violation[] {
  const books = openBooks(evidence);
  const histories = new Map<string, string>();
  return CHECKS.flatMap((check) => [...check(books)]).map((finding) => {
    const { sensorId } = finding;
    if (sensorId === null) return { ...finding, history: "" };
    const history = histories.get(sensorId) ?? historyOf(books, sensorId);
    histories.set(sensorId, history);
    return { ...finding, history };
  });
}

const SHOWN_MAX = 10;

/** For a test's failure message: "" when there are none, else the first ones, the first one's history, and how many of each kind. */
export function describeViolations(violations: readonly Violation[]): string {
  const [first] = violations;
  if (first === undefined) return "";
  const counts = Object.entries(Object.groupBy(violations, ({ kind }) => kind)).map(([kind, found]) => `${found.length} × ${kind}`);
  const shown = violations.slice(0, SHOWN_MAX).map(({ kind, sensorId, message }) => `  ${kind} ${sensorId ?? ""}: ${message}`);
  return [`${violations.length} violations: ${counts.join(", ")}`, ...shown, "the first one's sensor:", first.history].join("\n");
}
