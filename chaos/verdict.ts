import type { Evidence } from "../test/ledger/evidence";
import { findViolations, type Violation } from "../test/ledger/ledger";
import type { ServiceNode } from "./node";

/** A promise that was not kept. `history`: all that is known of the sensor concerned; "" when it concerns none in particular. */
export interface Broken {
  readonly kind: Violation["kind"] | "stuck" | "node.crashed" | "generation.unfounded";
  readonly sensorId: string | null;
  readonly message: string;
  readonly history: string;
}

/** What the evidence and the nodes show. No broker loses anything in a run. */
export function judge(evidence: Evidence, nodes: readonly Pick<ServiceNode, "crashes">[]): Broken[] {
  const found: Broken[] = [...findViolations(evidence)];
  for (const { partition, generation } of evidence.partitions)
    if (generation !== 1)
      found.push(plain("generation.unfounded", `partition ${partition} is in generation ${generation}, although its stream lost nothing`));
  for (const crash of nodes.flatMap(({ crashes }) => crashes)) found.push(plain("node.crashed", crash));
  return found;
}

/** Something did not happen in its time. */
export function stuck(error: unknown, nodes: readonly Pick<ServiceNode, "name" | "output">[]): Broken {
  const message = error instanceof Error ? error.message : String(error);
  return plain("stuck", [message, ...nodes.map((node) => `the last of ${node.name}:\n${node.output()}`)].join("\n"));
}

function plain(kind: Broken["kind"], message: string): Broken {
  return { kind, sensorId: null, message, history: "" };
}

const SHOWN_MAX = 20;
const HISTORIES_MAX = 2;

/** For people: how many of each kind, the first ones, and the histories of the first sensors concerned. "" when nothing was broken. */
export function describeBroken(broken: readonly Broken[]): string {
  if (broken.length === 0) return "";
  const counts = Object.entries(Object.groupBy(broken, ({ kind }) => kind)).map(([kind, found]) => `${found.length} × ${kind}`);
  const shown = broken.slice(0, SHOWN_MAX).map(({ kind, sensorId, message }) => `  ${kind} ${sensorId ?? ""}: ${message}`);
  const histories = [...new Set(broken.map(({ history }) => history))].filter((history) => history !== "").slice(0, HISTORIES_MAX);
  return [`${broken.length} broken promises: ${counts.join(", ")}`, ...shown, ...histories].join("\n");
}
