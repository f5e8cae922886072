import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "./api";
import { type OpenapiDocument, operationsOf } from "./document";
import { goodCalls, type Made, makeThings } from "./goodCalls";

/** What goes on for ever, and is cut off after so long. */
const ENDLESS = "/v1/changes/live";
const ENDLESS_SECONDS = 3;
const CURL_SECONDS_MAX = 30;
/** What curl says when it was. */
const TIMED_OUT = 28;

let api: TestApi;
let made: Made;
let home: string;
let commands: Map<string, string>;
let successes: Map<string, string[]>;

beforeAll(async () => {
  api = await openTestApi();
  home = mkdtempSync(join(tmpdir(), "tocsin-curl-"));
  const document = (await api.request("GET", "/swagger/json", { token: null })).json<OpenapiDocument>();
  commands = new Map();
  successes = new Map();
  for (const { operation } of operationsOf(document)) {
    commands.set(operation.operationId, /```sh\n([\s\S]*?)\n```/.exec(operation.description)?.[1] ?? "");
    const succeeded = Object.keys(operation.responses).filter((status) => status.startsWith("2"));
    successes.set(operation.operationId, succeeded);
  }
  made = await makeThings(api);
  // Only such keys are public.
  await api.request("POST", `/v1/webhooks/${made.webhookId}/rotate-secret`, { json: { kind: "v1a" } });
  // The story that the examples tell begins with the boiler's registration.
  await api.request("DELETE", "/v1/sensors/boiler-7");
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await api[Symbol.asyncDispose]();
});

/** What the variables of a call stand for; of nouns that nothing was made of, the newest that is there. */
async function idsIn(command: string): Promise<Record<string, string>> {
  const { webhookId, keyId, deliveryId, replayId, deadLetterId, tokenId } = made;
  const ids: Record<string, string> = { WEBHOOK: webhookId, KEY: keyId, DELIVERY: deliveryId, REPLAY: replayId, DEAD_LETTER: deadLetterId };
  Object.assign(ids, { TOKEN: tokenId, CHANGE: "chg_0_1" });
  for (const [, noun = ""] of command.matchAll(/\$([A-Z_]+)_ID\b/g)) {
    if (noun in ids) continue;
    const list = await api.request("GET", `/v1/${noun.toLowerCase().replaceAll("_", "-")}s`);
    ids[noun] = list.json<{ items: { id: string }[] }>().items[0]?.id ?? "";
  }
  return Object.fromEntries(Object.entries(ids).map(([noun, id]) => [`${noun}_ID`, id]));
}

async function run(command: string): Promise<{ status: string; output: string }> {
  const given = { ...(await idsIn(command)), TOCSIN: api.url, TOKEN: ADMIN_TOKEN };
  const secondsMax = command.includes(ENDLESS) ? ENDLESS_SECONDS : CURL_SECONDS_MAX;
  // The calls are run as they stand, so how they are to be watched is told to curl by its own file.
  writeFileSync(join(home, ".curlrc"), `write-out = "\\n%{http_code}"\nmax-time = ${secondsMax}\n`);
  const child = Bun.spawn(["sh", "-uc", command], {
    env: { PATH: process.env["PATH"], CURL_HOME: home, HOME: home, ...given },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, complaint, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0 && code !== TIMED_OUT) throw new Error(`sh ended with ${code}: ${complaint}`);
  return { status: output.slice(output.lastIndexOf("\n") + 1), output };
}

test("the call that the reference page shows of each operation can be pasted, and succeeds", async () => {
  // In an order in which they can be made: all is about the boiler, from its registration to its end.
  const order = Object.keys(goodCalls(made));
  expect([...commands.keys()].toSorted()).toEqual(order.toSorted());
  const [first, last] = ["createSensor", "deleteSensor"] as const;
  for (const operationId of [first, ...order.filter((each) => each !== first && each !== last), last]) {
    const command = commands.get(operationId) as string;
    expect(command).toStartWith("curl -s");
    const { status, output } = await run(command);
    expect({ operationId, command, output, succeeds: successes.get(operationId)?.includes(status) }).toEqual({
      operationId,
      command,
      output,
      succeeds: true,
    });
  }
});
