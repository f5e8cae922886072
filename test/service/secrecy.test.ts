import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { Authority } from "../receivers/certificates";
import { freePorts } from "../servers/freePorts";
import { startPostgres, type TestPostgres } from "../servers/postgres";
import { ADMIN_TOKEN, SECRETS_KEY, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";

const word = (name: string) => `${name}-${randomBytes(16).toString("hex")}`;
const whsec = (bytes: number) => `whsec_${randomBytes(bytes).toString("base64")}`;

/** The middle of a PEM's text, which a line break in JSON cannot hide. */
const middleOf = (pem: string) => pem.split("\n")[1] as string;

/** Everything about a webhook that nobody may read again. */
interface Told {
  readonly secrets: Map<string, string>;
  readonly texts: string[];
}

/** Asks, and keeps the answer's text; `shown` is what this answer alone may show. */
async function ask(
  tocsin: TocsinProcess,
  told: Told,
  call: { method: string; path: string; body?: unknown },
): Promise<Record<string, unknown>> {
  const { method, path, body } = call;
  const response = await tocsin.api(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  const json = (text.startsWith("{") ? JSON.parse(text) : {}) as Record<string, unknown>;
  const { secret, ...rest } = json;
  if (typeof secret === "string" && response.ok && method === "POST") {
    told.secrets.set(`secret of ${path}`, secret);
    told.texts.push(JSON.stringify(rest));
  } else told.texts.push(text);
  return json;
}

/** An endpoint that tells whoever posts to it all that it was told, and fails. */
function openParrot() {
  const heard: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const text = [...request.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      heard.push(text);
      await request.text();
      return new Response(text, { status: 500, headers: { "x-echo": request.headers.get("authorization") ?? "" } });
    },
  });
  return { heard, url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
}

const authority = new Authority();
const client = authority.issue({ names: ["client.example.com"] });

/** Makes webhooks with every kind of secret, sends to all of them, edits them, and does all of it wrongly, too. */
async function liveThroughAll(tocsin: TocsinProcess, told: Told): Promise<void> {
  await using parrot = openParrot();
  const [apiKey, password, token, wrong] = [word("header"), word("password"), word("bearer"), word("mistyped")];
  const call = (method: string, path: string, body?: unknown) => ask(tocsin, told, { method, path, body });
  for (const [name, value] of Object.entries({ apiKey, password, token, wrong })) told.secrets.set(name, value);
  told.secrets.set("basic", Buffer.from(`tocsin:${password}`).toString("base64"));
  told.secrets.set("client's key", middleOf(client.key));
  told.secrets.set("sealing key", SECRETS_KEY);
  told.secrets.set("admin's token", ADMIN_TOKEN);

  const basic = { headers: { "x-api-key": apiKey }, auth: { type: "basic", username: "tocsin", password }, signatures: ["v1", "v1a"] };
  const bearer = { auth: { type: "bearer", token }, clientCertificate: { ...client, ca: authority.certificate } };
  const [closed] = await freePorts(1);
  const https = parrot.url.replace("http:", "https:");
  const made = [
    await call("POST", "/v1/webhooks", { url: `${parrot.url}/a`, ...basic, events: ["change", "delivery.failed", "webhook.disabled"] }),
    await call("POST", "/v1/webhooks", { url: `${https}/b`, ...bearer, retrySchedule: [1] }),
    await call("POST", "/v1/webhooks", { url: `http://127.0.0.1:${closed}/c`, ...basic, format: "cloudevents-binary" }),
  ].map(({ id }) => id as string);
  expect(made.every((id) => id.startsWith("wh_"))).toBe(true);

  await call("POST", "/v1/sensors", { id: "boiler-7" });
  for (const status of ["overheated", "ok"]) await call("POST", "/v1/sensors/boiler-7/reports", { status });
  for (const id of made) await call("POST", `/v1/webhooks/${id}/test`);
  const attempts = async (id: string) => {
    const { items = [] } = (await call("GET", `/v1/deliveries?webhookId=${id}`)) as { items?: { attempts: unknown[] }[] };
    return items.flatMap((item) => item.attempts).length;
  };
  for (const id of made) await until(async () => (await attempts(id)) > 0, `nothing is sent to ${id}`);
  expect(parrot.heard.some((text) => text.includes(apiKey) && text.includes(told.secrets.get("basic") as string))).toBe(true);

  const [first = "", second = ""] = made;
  const own = whsec(32);
  told.secrets.set("brought along", own);
  const mistyped = `whsec_${wrong}`;
  for (const body of [{ overlapSeconds: 60 }, { kind: "v1a" }, { secret: own }, { secret: mistyped }, { secret: [own] }, { kind: own }]) {
    await call("POST", `/v1/webhooks/${first}/rotate-secret`, body);
  }
  const edits: object[] = [
    { headers: { "x-other": apiKey, "x-api-key": null } },
    { headers: { "x-bad": `${wrong}\n` } },
    { headers: { "x-bad": [wrong] } },
    { headers: { host: wrong } },
    { auth: { type: "basic", username: "a", password: [wrong] } },
    { auth: { type: "basic", username: "a:b", password: wrong } },
    { auth: { type: "bearer", token: `${wrong} ${wrong}` } },
    { auth: { type: "bearer", token: wrong, more: wrong } },
    { auth: wrong },
    { clientCertificate: { certificate: client.key, key: client.key } },
    { clientCertificate: { certificate: wrong, key: wrong, ca: wrong } },
    { clientCertificate: { certificate: authority.certificate, key: client.key } },
    { clientCertificate: { certificate: [client.key], key: { key: client.key } } },
    { state: "disabled" },
  ];
  for (const edit of edits) for (const id of [first, second]) await call("PATCH", `/v1/webhooks/${id}`, edit);
  for (const path of [`/v1/webhooks/${first}`, "/v1/webhooks", "/v1/deliveries", "/v1/incidents", "/metrics", "/swagger/json"])
    await call("GET", path);
  await call("GET", `/.well-known/webhook-keys/${first}`);
  await call("POST", `/v1/webhooks/${second}/replay`, { since: wrong });
  await call("DELETE", `/v1/webhooks/${second}`);
}

/** Which of the secrets stand in a text, by their names; also without the prefix. */
function found({ secrets }: Told, text: string): string[] {
  return [...secrets].filter(([, secret]) => text.includes(secret.replace(/^whsec_/, ""))).map(([name]) => name);
}

async function passThrough(tocsin: TocsinProcess): Promise<Told> {
  const told: Told = { secrets: new Map(), texts: [] };
  await liveThroughAll(tocsin, told);
  expect(told.secrets.size).toBeGreaterThan(10);
  expect(told.texts.length).toBeGreaterThan(50);
  // The endpoint's answer was kept, without what it repeats.
  expect(told.texts.some((text) => text.includes("user-agent: Tocsin"))).toBe(true);
  for (const text of told.texts) expect({ text, secrets: found(told, text) }).toEqual({ text, secrets: [] });
  const output = tocsin.wholeOutput();
  expect(output).toContain("event.action");
  expect(found(told, output)).toEqual([]);
  expect(output).not.toMatch(/whs(?:ec|k)_[A-Za-z0-9+/]{8}/);
  return told;
}

const ENV = { LOG_LEVEL: "debug", SECRETS_KEY };

describe("no secret of a webhook is in an answer, the log, or the database", () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  test("on SQLite", async () => {
    await using tocsin = await startTocsin({ env: ENV });
    const told = await passThrough(tocsin);
    const files = readdirSync(tocsin.dataDir).filter((name) => name.startsWith("tocsin.db"));
    const bytes = files.map((name) => readFileSync(join(tocsin.dataDir, name), "latin1")).join("\n");
    expect(bytes).toContain("boiler-7");
    expect(found(told, bytes)).toEqual([]);
    expect(bytes).not.toContain("whsk_");
  }, 90_000);

  test("on Postgres", async () => {
    const url = await postgres.createDatabase();
    await using tocsin = await startTocsin({ env: { ...ENV, DATABASE_URL: url } });
    const told = await passThrough(tocsin);
    const rows = await allRows(url);
    expect(rows).toContain("boiler-7");
    expect(found(told, rows)).toEqual([]);
    expect(rows).not.toContain("whsk_");
  }, 90_000);

  test("and the search finds what is there", () => {
    const told: Told = { secrets: new Map([["a", "whsec_abc="]]), texts: [] };
    expect(found(told, 'x "abc=" y')).toEqual(["a"]);
  });
});

async function allRows(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    );
    let text = "";
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ text: string }>(`select t::text as text from "${name}" t`);
      text += `${rows.map((row) => row.text).join("\n")}\n`;
    }
    return text;
  } finally {
    await client.end();
  }
}
