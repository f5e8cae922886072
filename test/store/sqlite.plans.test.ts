import { describe, expect, test } from "bun:test";
import type Database from "better-sqlite3";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { Owner } from "./conformance/owner";
import { allPages, draftOf, FIRST_PAGE, onlineState } from "./conformance/samples";
import { makeEveryCall } from "./everyCall";
import { openBeside, temporaryFolder } from "./sqlite/harness";
import { planOf, type Watched, watchStatements } from "./sqlite/statements";

const MANY_SENSORS = 20_000;

/** What is read from end to end, and why that does no harm. */
const SCANS: readonly (readonly [statement: RegExp, step: RegExp, why: string])[] = [
  [/from sqlite_master/, /^SCAN sqlite_master$/, "a row for each table; when the file is opened"],
  [/from partitions order by/, /^SCAN partitions$/, "two rows for each partition"],
  [/from nodes\b/, /^SCAN nodes/, "a row for each process that lives"],
  [
    /from webhook_versions where passed = 0/,
    /^SCAN webhook_versions USING INDEX webhook_versions_that_matter$/,
    "those that planning matches against, and no others",
  ],
  [/count\(\*\) from "webhooks"/, /^SCAN webhooks USING COVERING INDEX/, "at most WEBHOOKS_MAX; when one is made"],
  [/count\(\*\) from sensors$/, /^SCAN sensors USING COVERING INDEX/, "once for each reader that is opened"],
  [
    /count\(\*\) from sensors where deleted_at is not null$/,
    /^SCAN sensors USING INDEX sensors_deleted$/,
    "tombstones alone; once for each reader",
  ],
  [/^select count\(\*\) from \(select .* limit (\?|\d+)\)$/, /^SCAN \(subquery-\d+\)$/, "as many entries of an index as are asked for"],
  [/search_progress/, /^SCAN search_progress$/, "one row"],
  [/^select count\(\*\) from \(select 1 from search_waiting limit/, /^SCAN search_waiting$/, "as many as may wait"],
  [/^delete from search_trigrams where rowid = /, /^SCAN search_trigrams VIRTUAL TABLE INDEX 0:=$/, "by its number"],
  [/from search_trigrams f cross join search_groups g/, /^SCAN f VIRTUAL TABLE INDEX/, "the groups that have all trigrams of a text"],
  [/from search_trigrams f cross join search_groups g/, /^USE TEMP B-TREE FOR ORDER BY$/, "a group stands for 32 sensors"],
  [/from search_waiting w cross join sensors/, /^SCAN w$/, "by its key, up to as many as are asked for"],
  [
    /from "incidents" order by "incidents"\."id" desc limit/,
    /^SCAN incidents USING INDEX/,
    "the first page, along the index that gives the order",
  ],
  [/^select "at" from "audit" order by "audit"\."number" desc limit/, /^SCAN audit$/, "the newest entry, along the key"],
  [/receivedAt from folded$/, /^SCAN folded$/, "a row for each partition; when the file is opened, or the thread folds"],
  [
    /from statuses( order by status)?$/,
    /^SCAN statuses/,
    "at most STATUSES_MAX; when the catalogue is listed, loaded after an edit, or grows",
  ],
  [/from json_each\(\?\) u /, /^SCAN u VIRTUAL TABLE/, "the deliveries of one webhook that are under way"],
  [
    /from webhooks where json_extract/,
    /^SCAN webhooks USING INDEX webhooks_that_ask$/,
    "those that ask for more than changes, and no others",
  ],
  [
    /^delete from replays .* order by id limit/,
    /^SCAN replays USING INDEX sqlite_autoindex_replays_1$/,
    "jobs that people began, the oldest first; when old ones are taken out",
  ],
  [/from "replays" where state = 'running'/, /^SCAN replays USING INDEX replays_running$/, "those that run, at most one for each webhook"],
  [
    /from "replays" order by "replays"\."id" desc limit/,
    /^SCAN replays USING INDEX/,
    "the first page, along the index that gives the order",
  ],
  [/json_each\(\?\) u cross join deliveries e on e\.id = u\.value/, /^SCAN u VIRTUAL TABLE/, "ids that were given: what is under way"],
  [/from deliveries order by ordinal$/, /^SCAN deliveries$/, "by its key, and left at the first row that is not old"],
];

/** Sensors that nothing but their rows tells of. */
function fillSensors(client: Database.Database): void {
  client.exec(
    `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${MANY_SENSORS})
     insert into sensors (id, partition, name, labels, metadata, version, life, registry_version, created_at, updated_at, search_text)
     select 's' || n, 0, '', '{}', '{}', 1, 1, 0, 0, 0, 's' || n from numbers`,
  );
}

/** A store whose statements are seen, and the connection that it works on. */
async function watched(body: (store: Store, seen: Watched, client: Database.Database) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  using seen = watchStatements();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  const [client] = seen.clients;
  if (client === undefined) throw new Error("the store prepared nothing");
  try {
    await body(store, seen, client);
  } finally {
    await store.close();
  }
}

/** The plans of what a call prepares, or of what was prepared for it, by the statements that fit. */
function plansOf(seen: Watched, fitting: RegExp): Record<string, string[]> {
  const statements = [...seen.statements].filter(([statement]) => fitting.test(statement));
  seen[Symbol.dispose]();
  return Object.fromEntries(statements.map(([statement, client]) => [statement, planOf(client, statement)]));
}

describe("on SQLite", () => {
  test("every statement that the API or a worker makes goes along an index, and none sorts what it found", async () => {
    await watched(async (store, seen) => {
      await makeEveryCall(store);
      const plans = plansOf(seen, /./);
      const bad = Object.entries(plans).flatMap(([statement, steps]) =>
        steps
          .filter((step) => /\bSCAN\b|TEMP B-TREE|AUTOMATIC/.test(step))
          .filter((step) => !SCANS.some(([of, allowed]) => of.test(statement) && allowed.test(step)))
          .map((step) => `${step}: ${statement}`),
      );
      expect(bad).toEqual([]);
      expect(Object.values(plans).filter((steps) => steps.length > 0).length).toBeGreaterThan(150);
      for (const [statement, step, why] of SCANS) {
        const used = Object.entries(plans).some(([each, steps]) => statement.test(each) && steps.some((one) => step.test(one)));
        expect([why, used]).toEqual([why, true]);
      }
    });
  });

  test("a report's id is looked up among the ids, not among all that the sensor said", async () => {
    await watched(async (_, seen) => {
      const plans = Object.values(plansOf(seen, /^select max\(received_at\) from places/));
      expect(plans).toEqual([["SEARCH places USING COVERING INDEX places_by_report_id (sensor_id=? AND report_id=? AND received_at>?)"]]);
    });
  });

  test("what is in a lane is found by the lane, whatever else its webhook is owed", async () => {
    await watched(async (_, seen) => {
      const plans = Object.values(plansOf(seen, /^select .* from deliveries where state = 'pending' and webhook_id = \? and sensor_id = /));
      expect(plans.length).toBeGreaterThan(3);
      const along = /^SEARCH deliveries USING (COVERING )?INDEX deliveries_in_lane \(webhook_id=\? AND sensor_id=\?\)$/;
      for (const plan of plans) expect(plan).toEqual([expect.stringMatching(along)]);
    });
  });

  const LETTER_BY_ID = expect.stringMatching(/^SEARCH dead_letters USING (COVERING )?INDEX sqlite_autoindex_dead_letters_1 \(id=\?\)$/);
  test("what is old is taken out by its key, whatever else is kept", async () => {
    await watched(async (_, seen) => {
      const plans = plansOf(seen, /^delete from (reports|changes|dead_letters) /);
      expect(Object.values(plans).map(([first]) => first)).toEqual([
        "SEARCH changes USING PRIMARY KEY (partition=? AND number=?)",
        "SEARCH reports USING PRIMARY KEY (partition=? AND generation=? AND sequence=?)",
        LETTER_BY_ID,
        "SEARCH reports USING PRIMARY KEY (partition=? AND generation=? AND sequence=?)",
        "SEARCH changes USING PRIMARY KEY (partition=? AND number=?)",
        LETTER_BY_ID,
      ]);
    });
  });

  test("the list of sensors goes along the filter that lets the fewest through", async () => {
    await watched(async (store, seen, client) => {
      const ids = Array.from({ length: 40 }, (_, index) => `s${String(index).padStart(2, "0")}`);
      for (const id of ids) await store.createSensor(draftOf(id, { labels: { site: "north", ...(id === "s39" ? { rare: "yes" } : {}) } }));
      const owner = await Owner.of(store);
      const rare = { s20: { status: "hot" }, s30: { severity: "critical" as const }, s35: { availability: "offline" as const } };
      await owner.heard({ ...Object.fromEntries(ids.map((id) => [id, onlineState()])), ...rare });
      const asked = seen.statements;
      for (const [query, index] of [
        [{ status: "hot", availability: "online" }, "states_by_status (status=? AND sensor_id>?)"],
        [{ status: "ok", severity: "critical" }, "states_by_severity (severity=? AND sensor_id>?)"],
        [{ status: "ok", severity: "ok", availability: "offline" }, "states_by_availability (availability=? AND sensor_id>?)"],
        [{ labels: { site: "north" }, status: "hot" }, "states_by_status (status=? AND sensor_id>?)"],
        [{ labels: { site: "north" }, status: ["hot", "cold"] }, "states_by_status (status=? AND sensor_id>?)"],
        [
          { labels: { site: "north", rare: "yes" }, availability: "online" },
          "sensor_labels USING PRIMARY KEY (label_key=? AND label_value=? AND sensor_id>?)",
        ],
      ] as const) {
        asked.clear();
        expect((await store.listSensors(query, FIRST_PAGE)).items).toHaveLength(1);
        const statement = [...asked.keys()].at(-1) ?? "";
        expect([query, planOf(client, statement)[0]]).toEqual([query, expect.stringContaining(index)]);
      }
    });
  });

  test("filters that hold one by one and never together are told apart by their indexes, no row is read", async () => {
    await watched(async (store, seen, client) => {
      fillSensors(client);
      client.exec(
        `insert into states (sensor_id, partition, status, severity, availability, revision, life)
         select id, 0, case rowid % 2 when 0 then 'ok' else 'hot' end, case rowid % 2 when 0 then 'ok' else 'critical' end, 'online', 1, 1 from sensors;
         insert into sensor_labels select 'site', case rowid % 2 when 0 then 'north' else 'south' end, id from sensors`,
      );
      const asked = seen.statements;
      for (const [query, steps] of [
        [
          { status: "ok", severity: "critical" },
          ["states USING COVERING INDEX states_by_COLUMN (COLUMN=? AND sensor_id>? AND sensor_id<?)"],
        ],
        [
          { labels: { site: "south" }, status: "ok" },
          [
            "sensor_labels USING PRIMARY KEY (label_key=? AND label_value=? AND sensor_id>? AND sensor_id<?)",
            "states USING COVERING INDEX states_by_COLUMN (COLUMN=? AND sensor_id>? AND sensor_id<?)",
          ],
        ],
      ] as const) {
        asked.clear();
        expect((await store.listSensors(query, FIRST_PAGE)).items).toEqual([]);
        // The last slice is what the others have left.
        const statement = [...asked.keys()].findLast((text) => /<= \?.*left join states t/.test(text)) ?? "";
        const found = planOf(client, statement).filter((step) => /SEARCH (states|sensor_labels) /.test(step));
        const entries = found.map((step) => step.replace(/states_by_(\w+) \(\1=/, "states_by_COLUMN (COLUMN="));
        expect(entries.toSorted()).toEqual(steps.map((step) => `SEARCH ${step}`));
        expect(statement.includes(" intersect ")).toBe(steps.length > 1);
      }
    });
  });

  test("a text is looked for in the groups that have its trigrams, and no other sensor is looked at", async () => {
    await watched(async (store, seen, client) => {
      fillSensors(client);
      while ((await store.indexTexts(2000)).more);
      const asked = seen.statements;
      asked.clear();
      expect((await store.listSensors({ q: `s${MANY_SENSORS - 1}` }, FIRST_PAGE)).items).toHaveLength(1);
      const selects = [...asked.keys()].filter((text) => /left join states t/.test(text));
      expect(selects.map((text) => planOf(client, text)[0])).toEqual([
        expect.stringMatching(/^SEARCH s USING INDEX/),
        expect.stringMatching(/^SCAN l VIRTUAL TABLE/),
      ]);
    });
  });

  test("a search through many sensors that finds none leaves others their turn", async () => {
    using folder = temporaryFolder();
    const store = await openStore({ kind: "sqlite", file: folder.file });
    {
      using database = openBeside(folder.file);
      fillSensors(database.client);
    }
    let turns = 0;
    let searching = true;
    const others = (async () => {
      for (; searching; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    })();
    // Two characters have no trigram.
    expect(await store.listSensors({ q: "zz" }, FIRST_PAGE)).toEqual({ items: [], nextCursor: null });
    searching = false;
    await others;
    expect(turns).toBeGreaterThanOrEqual(3);
    const pages = await allPages((page) => store.listSensors({ availability: "pending" }, page), 7000);
    expect(pages).toHaveLength(MANY_SENSORS);
    await store.close();
  });

  test("a page of reports is found by where it begins and where it ends", async () => {
    await watched(async (_, seen) => {
      const plans = Object.values(plansOf(seen, /^select received_at as receivedAt.* from places where/));
      const bounds = "(received_at,partition,generation,sequence)";
      expect(plans).toEqual([
        [`SEARCH places USING PRIMARY KEY (sensor_id=? AND ${bounds}>(?,?,?,?) AND ${bounds}<(?,?,?,?))`],
        [`SEARCH places USING PRIMARY KEY (sensor_id=? AND ${bounds}>(?,?,?,?) AND ${bounds}<(?,?,?,?))`],
      ]);
    });
  });
});
