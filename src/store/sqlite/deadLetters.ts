import { eq } from "drizzle-orm";
import type { DeadLetterRecord, DeadLetterRow, DeadLetterStore } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import type { Direct } from "./faults";
import { strayCursors } from "./schema/log";

const LIST = "deadLetters";
/** A page ends early where its payloads reach this: dead letters may be as large as a message can be. */
const PAGE_PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;
const FROM_THE_NEWEST: [number, string, number] = [Number.MAX_SAFE_INTEGER, "", 0];

interface DeadLetterFields {
  readonly id: string;
  readonly stream: string;
  readonly sequence: number;
  readonly subject: string;
  readonly received_at: number;
  readonly reason: string;
  readonly payload: Buffer;
}

type InsertDeadLetter = (letter: DeadLetterRow, place: { stream: string; recordedAt: number }) => void;

/** Writes a dead letter once, however often it is brought. */
export function prepareDeadLetterInsert({ client }: Connection): InsertDeadLetter {
  const insert = client.prepare<unknown[]>(
    `insert into dead_letters (id, stream, sequence, subject, received_at, recorded_at, reason, payload) values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (id) do nothing`,
  );
  return ({ sequence, subject, receivedAt, reason, payload }, { stream, recordedAt }) => {
    insert.run(deadLetterId(stream, sequence, receivedAt), stream, sequence, subject, receivedAt, recordedAt, reason, payload);
  };
}

/** A message's place and time: a stream that was recreated counts its sequences anew, but not within the same millisecond. */
function deadLetterId(stream: string, sequence: number, receivedAt: number): string {
  return `dl_${stream}_${sequence}_${receivedAt.toString(36)}`;
}

export function openDeadLetters(connection: Connection): Direct<DeadLetterStore> {
  const { client, db, write } = connection;
  const insert = prepareDeadLetterInsert(connection);
  const fields = "id, stream, sequence, subject, received_at, reason, payload";
  const byId = client.prepare<[string], DeadLetterFields>(`select ${fields} from dead_letters where id = ?`);
  const newestFirst = client.prepare<[number, string, number, number], DeadLetterFields>(
    `select ${fields} from dead_letters where (received_at, stream, sequence) < (?, ?, ?)
     order by received_at desc, stream desc, sequence desc limit ?`,
  );

  return {
    listDeadLetters({ limit, cursor }) {
      const before = decodeCursor<[number, string, number]>(cursor, LIST, ["number", "string", "number"]) ?? FROM_THE_NEWEST;
      const rows: DeadLetterFields[] = [];
      let payloadBytes = 0;
      for (const row of newestFirst.iterate(...before, limit + 1)) {
        rows.push(row);
        payloadBytes += row.payload.length;
        if (payloadBytes > PAGE_PAYLOAD_BYTES_MAX && rows.length > 1) break;
      }
      return toPage(rows, {
        limit: payloadBytes > PAGE_PAYLOAD_BYTES_MAX ? Math.min(limit, Math.max(1, rows.length - 1)) : limit,
        list: LIST,
        key: (row) => [row.received_at, row.stream, row.sequence],
        item: recordOf,
      });
    },

    getDeadLetter(id) {
      const row = byId.get(id);
      return row === undefined ? null : recordOf(row);
    },

    recordStrays(stream, rows, { sequence, timeNs }) {
      write(() => {
        const recordedAt = Date.now();
        for (const row of rows) insert(row, { stream, recordedAt });
        const moved = { sequence, timeNs };
        db.insert(strayCursors)
          .values({ stream, ...moved })
          .onConflictDoUpdate({ target: strayCursors.stream, set: moved })
          .run();
      });
    },

    strayCursor(stream) {
      const { sequence, timeNs } = strayCursors;
      return db.select({ sequence, timeNs }).from(strayCursors).where(eq(strayCursors.stream, stream)).get() ?? null;
    },
  };
}

function recordOf({ received_at: receivedAt, payload, ...row }: DeadLetterFields): DeadLetterRecord {
  return { ...row, receivedAt, payload: new Uint8Array(payload) };
}
