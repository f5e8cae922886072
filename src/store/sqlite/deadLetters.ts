import { eq } from "drizzle-orm";
import {
  type DeadLetterFields,
  deadLetterId,
  deadLetterOf,
  FROM_THE_NEWEST,
  isShown,
  type LetterPlace,
  PAGE_PAYLOAD_BYTES_MAX,
  shownLetters,
} from "../deadLetterRows";
import type { DeadLetterRow, DeadLetterStore } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import { prepareErased } from "./erasure";
import type { Direct } from "./faults";
import { strayCursors } from "./schema/log";

const LIST = "deadLetters";

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

export function openDeadLetters(connection: Connection): Direct<DeadLetterStore> {
  const { client, db, read, write } = connection;
  const erasedBefore = prepareErased(connection);
  const insert = prepareDeadLetterInsert(connection);
  const fields = "id, stream, sequence, subject, received_at, recorded_at, reason, payload";
  const byId = client.prepare<[string], DeadLetterFields>(`select ${fields} from dead_letters where id = ?`);
  const newestFirst = client.prepare<[number, string, number, number], DeadLetterFields>(
    `select ${fields} from dead_letters where (received_at, stream, sequence) < (?, ?, ?)
     order by received_at desc, stream desc, sequence desc limit ?`,
  );

  return {
    listDeadLetters: ({ limit, cursor }) =>
      read(() => {
        const before = decodeCursor<LetterPlace>(cursor, LIST, ["number", "string", "number"]) ?? FROM_THE_NEWEST;
        const rows: DeadLetterFields[] = [];
        let payloadBytes = 0;
        for (const row of newestFirst.iterate(...before, limit + 1)) {
          rows.push(row);
          payloadBytes += row.payload.length;
          if (payloadBytes > PAGE_PAYLOAD_BYTES_MAX && rows.length > 1) break;
        }
        const page = toPage(rows, {
          limit: payloadBytes > PAGE_PAYLOAD_BYTES_MAX ? Math.min(limit, Math.max(1, rows.length - 1)) : limit,
          list: LIST,
          key: (row) => [row.received_at, row.stream, row.sequence],
          item: (row) => row,
        });
        return shownLetters(page, erasedBefore);
      }),

    getDeadLetter: (id) =>
      read(() => {
        const row = byId.get(id);
        return row === undefined || !isShown(row, erasedBefore) ? null : deadLetterOf(row);
      }),

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
