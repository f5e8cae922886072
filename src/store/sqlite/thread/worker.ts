/** What need not hold anybody up, on a thread of its own: reports are folded into their index, the WAL is copied into the database. */
import Database from "better-sqlite3";
import type { PlaceInTime } from "../places/place";
import { foldOnce, PlaceIndex, placeIndexFile, PlaceSource } from "../places/placeIndex";

/** What the thread is told. */
export type Order =
  | { readonly kind: "open"; readonly file: string }
  | { readonly kind: "fold"; readonly rowsMax: number }
  | { readonly kind: "forget"; readonly places: readonly (PlaceInTime & { readonly sensorId: string })[] }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "close" };

/** What it answers, one for each order but the first. */
export type Answer =
  | { readonly kind: "folded"; readonly folded: readonly PlaceInTime[] }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };

declare const self: { onmessage: (event: MessageEvent<Order>) => void; postMessage: (answer: Answer) => void };

const BUSY_MS = 5000;
/** A WAL that is so long, and was never copied to its end because commits came in between, is ended for once. */
const WAL_PAGES_MAX = 32_000;

interface Opened {
  readonly client: Database.Database;
  readonly index: PlaceIndex;
  readonly source: PlaceSource;
}

let file = "";
let opened: Opened | null = null;

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
    file = order.file;
    return null;
  }
  if (order.kind === "close") {
    opened?.index.close();
    opened?.client.close();
    opened = null;
    return { kind: "done" };
  }
  // What could not be opened may be at the next order.
  opened ??= open();
  const { client, index, source } = opened;
  switch (order.kind) {
    case "fold":
      foldOnce(index, source, order.rowsMax);
      return { kind: "folded", folded: index.folded() };
    case "forget":
      index.forget(order.places);
      return { kind: "done" };
    case "checkpoint":
      checkpoint(client);
      return { kind: "done" };
  }
}

function open(): Opened {
  const client = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
  try {
    client.pragma("synchronous = FULL");
    return { client, index: new PlaceIndex(placeIndexFile(file)), source: new PlaceSource(client) };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Passive: it waits for nobody, and nobody waits for it. Only what is left of a long WAL is copied while commits wait. */
function checkpoint(client: Database.Database): void {
  const [state] = client.pragma("wal_checkpoint(PASSIVE)") as [{ log: number; checkpointed: number }];
  if (state.log > WAL_PAGES_MAX && state.checkpointed < state.log) client.pragma("wal_checkpoint(RESTART)");
}
