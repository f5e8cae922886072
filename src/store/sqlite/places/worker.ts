/** Folds a database's reports into its index beside the service, on a thread of its own: neither its reading nor its writing holds anybody up. */
import Database from "better-sqlite3";
import type { PlaceInTime } from "./place";
import { foldOnce, PlaceIndex, placeIndexFile, PlaceSource } from "./placeIndex";

/** What the thread is told. */
export type Order =
  | { readonly kind: "open"; readonly file: string }
  | { readonly kind: "fold"; readonly rowsMax: number }
  | { readonly kind: "forget"; readonly places: readonly (PlaceInTime & { readonly sensorId: string })[] }
  | { readonly kind: "close" };

/** What it answers, one for each order but the first. */
export type Answer =
  | { readonly kind: "folded"; readonly folded: readonly PlaceInTime[] }
  | { readonly kind: "forgotten" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "closed" };

declare const self: { onmessage: (event: MessageEvent<Order>) => void; postMessage: (answer: Answer) => void };

const BUSY_MS = 5000;

let opened: { readonly client: Database.Database; readonly index: PlaceIndex; readonly source: PlaceSource } | null = null;

self.onmessage = ({ data: order }) => {
  try {
    const answer = carryOut(order);
    if (answer !== null) self.postMessage(answer);
  } catch (error) {
    self.postMessage({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
};

function carryOut(order: Order): Answer | null {
  if (order.kind === "open") {
    const client = new Database(order.file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    opened = { client, index: new PlaceIndex(placeIndexFile(order.file)), source: new PlaceSource(client) };
    return null;
  }
  if (order.kind === "close") {
    opened?.index.close();
    opened?.client.close();
    opened = null;
    return { kind: "closed" };
  }
  if (opened === null) throw new Error("the index is not open");
  const { index, source } = opened;
  if (order.kind === "forget") {
    index.forget(order.places);
    return { kind: "forgotten" };
  }
  foldOnce(index, source, order.rowsMax);
  return { kind: "folded", folded: index.folded() };
}
