import {
  type DeadLetterFields,
  deadLetterId,
  type ErasedBefore,
  FROM_THE_NEWEST,
  type LetterPlace,
  PAGE_PAYLOAD_BYTES_MAX,
  sensorOfSubject,
  shownLetters,
} from "../deadLetterRows";
import type { ClientBase } from "pg";
import type { DeadLetterStore } from "../store";
import { decodeCursor, toPage } from "../cursor";
import { arrayText, bytesArray, quoted } from "./arrays";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { statement } from "./statement";

const LIST = "deadLetters";

const FIELDS = "id, stream, sequence, subject, received_at, recorded_at, reason, payload";
const byId = statement<DeadLetterFields>("deadLetters.byId", `select ${FIELDS} from dead_letters where id = $1`);
// Sizes first: what a page has no room for is not even read.
const newestFirst = statement<DeadLetterFields>(
  "deadLetters.list",
  `with sized as (
     select received_at, stream, sequence, id, octet_length(payload) as bytes from dead_letters
     where (received_at, stream, sequence) < ($1::bigint, $2::text, $3::bigint)
     order by received_at desc, stream desc, sequence desc limit $4),
   summed as (select id, sum(bytes) over newest - bytes as bytes_before, row_number() over newest as place from sized
     window newest as (order by received_at desc, stream desc, sequence desc rows unbounded preceding))
   select d.id, d.stream, d.sequence, d.subject, d.received_at, d.recorded_at, d.reason, d.payload
   from summed s cross join lateral (select * from dead_letters d where d.id = s.id offset 0) d where s.place <= 2 or s.bytes_before <= ${PAGE_PAYLOAD_BYTES_MAX}
   order by s.place`,
);
const erasedOf = statement<{ id: string; before: number }>(
  "deadLetters.erased",
  "select id, erase_before as before from sensors where id = any($1::text[]) and erase_before is not null",
);
const insert = statement(
  "deadLetters.insertStrays",
  `insert into dead_letters (id, stream, sequence, subject, received_at, recorded_at, reason, payload)
   select r.id, $1, r.sequence, r.subject, r.received_at, ${NOW_MS}, r.reason, r.payload
   from unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::bytea[])
     r (id, sequence, subject, received_at, reason, payload)
   on conflict (id) do nothing`,
);
const moveCursor = statement(
  "deadLetters.moveStrays",
  `insert into stray_cursors (stream, sequence, time_ns) values ($1, $2, $3)
   on conflict (stream) do update set sequence = excluded.sequence, time_ns = excluded.time_ns`,
);
const readCursor = statement<{ sequence: number; timeNs: string }>(
  "deadLetters.strayCursor",
  `select sequence, time_ns as "timeNs" from stray_cursors where stream = $1`,
);

export function openDeadLetters({ work, read, write }: Connection): DeadLetterStore {
  return {
    listDeadLetters: ({ limit, cursor }) =>
      read(async ({ client }) => {
        const before = decodeCursor<LetterPlace>(cursor, LIST, ["number", "string", "number"]) ?? FROM_THE_NEWEST;
        const rows = await newestFirst(client, ...before, limit + 1);
        const bytes = rows.reduce((sum, { payload }) => sum + payload.length, 0);
        const page = toPage(rows, {
          limit: bytes > PAGE_PAYLOAD_BYTES_MAX ? Math.min(limit, Math.max(1, rows.length - 1)) : limit,
          list: LIST,
          key: (row) => [row.received_at, row.stream, row.sequence],
          item: (row) => row,
        });
        return shownLetters(page, await erasedAmong(client, rows));
      }),

    getDeadLetter: (id) =>
      read(async ({ client }) => {
        const rows = await byId(client, id);
        return shownLetters({ items: rows, nextCursor: null }, await erasedAmong(client, rows)).items[0] ?? null;
      }),

    recordStrays: (stream, rows, { sequence, timeNs }) =>
      write(async ({ client }) => {
        if (rows.length > 0) {
          await insert(
            client,
            stream,
            arrayText(rows.map((row) => quoted(deadLetterId(stream, row.sequence, row.receivedAt)))),
            arrayText(rows.map((row) => row.sequence)),
            arrayText(rows.map((row) => quoted(row.subject))),
            arrayText(rows.map((row) => row.receivedAt)),
            arrayText(rows.map((row) => quoted(row.reason))),
            bytesArray(rows.map((row) => row.payload)),
          );
        }
        await moveCursor(client, stream, sequence, timeNs);
      }),

    strayCursor: async (stream) => (await readCursor(work, stream))[0] ?? null,
  };
}

/** Read on the same snapshot: what is gone by then is not among them. */
async function erasedAmong(client: ClientBase, rows: readonly DeadLetterFields[]): Promise<ErasedBefore> {
  const ids = new Set(rows.map(({ subject }) => sensorOfSubject(subject)));
  const erased = new Map(ids.size === 0 ? [] : (await erasedOf(client, [...ids])).map(({ id, before }) => [id, before]));
  return (sensorId) => erased.get(sensorId);
}
