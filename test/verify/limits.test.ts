import { describe, expect, test } from "bun:test";
import { constantsOf, constantValue, inMilliseconds, toldLimits, toldValue } from "./limits";
import { readRepoFile, repoFiles } from "./repo";

const told = toldLimits(readRepoFile("docs/limits.md"));
const FILES = [...repoFiles("src/http/**/*.ts"), ...repoFiles("src/domain/*.ts"), ...repoFiles("src/live/*.ts")];

/** What nobody meets who asks: how much of something is remembered, tried or told inside. */
const INSIDE: Readonly<Record<string, readonly string[]>> = {
  "src/http/who/auditTrail.ts": ["TARGET_CHARS_MAX", "FIELDS_MAX", "FIELD_CHARS_MAX", "BODY_CHARS_MAX", "QUERY_CHARS_MAX"],
  "src/http/bulk/bulkReports.ts": ["IN_FLIGHT_MAX", "IN_FLIGHT_BYTES_MAX"],
  "src/http/gate/clientAddress.ts": ["PARSED_MAX"],
  "src/http/document/curl.ts": ["LINE_CHARS_MAX"],
  "src/http/exportStream.ts": ["PAGE_ROWS_MAX"],
  "src/http/fieldErrors.ts": ["COMPLAINTS_MAX"],
  "src/http/bulk/itemResults.ts": ["ERROR_CHARS_MAX"],
  "src/http/who/keySet.ts": ["BYTES_MAX", "KEYS_MAX"],
  "src/http/who/knownCallers.ts": ["KNOWN_MAX", "KNOWN_CHARS_MAX"],
  "src/http/listen.ts": ["BUN_BODY_BYTES_MAX"],
  // That of a report by itself, and its sensor's id.
  "src/http/bulk/reportIntake.ts": ["REPORT_ITEM_BYTES_MAX"],
  "src/http/bulk/reportable.ts": ["FOUND_MAX"],
  "src/http/bulk/thread/threadIntake.ts": ["WAITING_PARTS_MAX"],
  "src/http/who/tokenHolders.ts": ["LOOKS_MAX"],
  "src/http/who/tokenLookups.ts": ["TOGETHER_MAX", "ABSENT_MAX"],
  "src/http/who/tokenUses.ts": ["NOTED_MAX"],
  "src/http/webhooks/webhookEdits.ts": ["TRIES_MAX"],
  "src/http/webhooks/webhookSecrets.ts": ["PUBLIC_KEYS_MAX_AGE_SECONDS"],
  "src/domain/time.ts": ["TIME_MAX"],
  "src/domain/overflow.ts": ["POINTER_CHARS_MAX"],
  "src/live/catchUp.ts": ["ROWS_MAX", "CATCHING_UP_MAX"],
  "src/live/chunks.ts": ["CHUNK_BYTES_MAX", "KEPT_BYTES_MAX", "ALIKE_MAX", "OWN_BYTES_MAX"],
  "src/live/feed.ts": ["REST_MAX_MS", "ROWS_MAX", "BYTES_MAX"],
  "src/live/ring.ts": ["RING_ITEMS_MAX", "RING_BYTES_MAX", "RING_MS_MAX"],
};

test("docs/limits.md tells of limits", () => {
  expect(told.length).toBeGreaterThan(50);
});

test.each(told.map((limit) => [`${limit.name} in ${limit.file}`, limit] as const))("%s is what docs/limits.md says", (_, limit) => {
  const value = inMilliseconds(limit.name, constantValue(readRepoFile(limit.file), limit.name));
  expect({ ...limit, value }).toEqual({ ...limit, value: toldValue(limit) });
});

test("every limit of the API is told in docs/limits.md, once, or lies inside", () => {
  const named = FILES.flatMap((file) =>
    constantsOf(readRepoFile(file))
      .filter(({ name }) => /_MAX(_|$)/.test(name))
      .map(({ name }) => `${name} in ${file}`),
  );
  const inside = Object.entries(INSIDE).flatMap(([file, names]) => names.map((name) => `${name} in ${file}`));
  const tellable = told.map(({ name, file }) => `${name} in ${file}`);
  expect(named.filter((limit) => !tellable.includes(limit) && !inside.includes(limit))).toEqual([]);
  expect(inside.filter((limit) => tellable.includes(limit) || !named.includes(limit))).toEqual([]);
  expect(tellable.length).toBe(new Set(tellable).size);
});

describe("a table of limits", () => {
  const source =
    "export const A_BYTES_MAX = 64 * 1024;\nconst DAY_MS = 24 * 3600_000;\nconst B_MS_MAX = 2 * DAY_MS;\nconst C_SECONDS = 90;\nconst D_MAX = f(3);\n";
  const row = (value: string, name: string) => `| what | ${value} | 422 | \`${name}\` in \`src/x.ts\` |`;

  test("that differs from the code would be noticed", () => {
    const values = ["A_BYTES_MAX", "B_MS_MAX", "C_SECONDS", "D_MAX", "E_MAX"].map((name) =>
      inMilliseconds(name, constantValue(source, name)),
    );
    expect(values).toEqual([65_536, 172_800_000, 90_000, Number.NaN, Number.NaN]);
    const rows = [row("64 KiB", "A_BYTES_MAX"), row("2 days", "B_MS_MAX"), row("90 s", "C_SECONDS"), row("1,000", "D_MAX")].join("\n");
    expect(toldLimits(rows).map((limit) => toldValue(limit))).toEqual([65_536, 172_800_000, 90_000, 1000]);
  });

  test("with a value that nobody can read would be noticed", () => {
    for (const value of ["many", "3 moons", "", "1.5 s"]) expect(() => toldValue({ name: "A", file: "b", value })).toThrow("no value");
  });
});
