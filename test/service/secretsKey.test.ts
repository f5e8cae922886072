import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { newSealingKeyText, parseSealingKey } from "../../src/vault/sealingKey";
import { runCommand } from "../cli/command";
import { type Arrival, openReceiver } from "../receivers/receiver";
import { startTocsin, type TocsinProcess } from "../servers/tocsin";
import { openBeside } from "../store/sqlite/harness";
import { until } from "../until";

async function register(tocsin: TocsinProcess, url: string): Promise<{ id: string; secret: string }> {
  const answer = await tocsin.api("/v1/webhooks", { method: "POST", body: JSON.stringify({ url }) });
  expect(answer.status).toBe(201);
  return (await answer.json()) as { id: string; secret: string };
}

/** A test event arrives, and its receiver accepts it with this secret. */
async function arrivesSigned(tocsin: TocsinProcess, id: string, secret: string, arrivals: readonly Arrival[]): Promise<void> {
  const before = arrivals.length;
  expect((await tocsin.api(`/v1/webhooks/${id}/test`, { method: "POST" })).status).toBe(200);
  await until(() => arrivals.length > before, "the test event does not arrive");
  const { body, headers } = arrivals.at(-1) as Arrival;
  new Webhook(secret).verify(body, { ...headers });
}

function sealedIn({ dbFile }: TocsinProcess): string {
  using database = openBeside(dbFile);
  return (database.client.prepare("select credentials from webhooks").get() as { credentials: string }).credentials;
}

/** Files of the data folder, and which of them hold a text. */
function filesWith(folder: string, text: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => statSync(join(folder, file)).isFile());
  expect(files.length).toBeGreaterThan(2);
  return files.filter((file) => readFileSync(join(folder, file)).includes(text));
}

describe("on one's own machine", () => {
  test("webhooks' secrets are sealed with a key file that is made at the first start, and open again at the next", async () => {
    await using receiver = openReceiver();
    await using tocsin = await startTocsin({ env: { LOG_LEVEL: "debug" } });
    const { id, secret } = await register(tocsin, receiver.url);
    await arrivesSigned(tocsin, id, secret, receiver.arrivals);
    const keyFile = join(tocsin.dataDir, "secrets.key");
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    await tocsin.stop();
    await tocsin.start();
    await arrivesSigned(tocsin, id, secret, receiver.arrivals);
    await tocsin.stop();
    expect(filesWith(tocsin.dataDir, secret)).toEqual([]);
    expect(filesWith(tocsin.dataDir, secret.slice("whsec_".length))).toEqual([]);
    expect(filesWith(tocsin.dataDir, readFileSync(keyFile, "utf8").trim())).toEqual(["secrets.key"]);
    expect(tocsin.output()).not.toContain(secret);
  });

  test("a key file that is gone ends the start with what to do, and a key of one's own takes over from it", async () => {
    await using receiver = openReceiver();
    await using tocsin = await startTocsin();
    const { id, secret } = await register(tocsin, receiver.url);
    await tocsin.stop();
    const keyFile = join(tocsin.dataDir, "secrets.key");
    const own = readFileSync(keyFile, "utf8").trim();
    rmSync(keyFile);
    await expect(tocsin.start()).rejects.toThrow(
      /tocsin: secrets\.key is missing in .* Put the file back, or set SECRETS_KEY to that key\./,
    );
    expect(existsSync(keyFile)).toBe(false);

    const given = newSealingKeyText();
    for (const [keys, sealing] of [
      [`${own},${given}`, own],
      [`${given},${own}`, given],
      [given, given],
    ] as const) {
      await using node = await startTocsin({ env: { DATA_DIR: tocsin.dataDir, SECRETS_KEY: keys } });
      expect(sealedIn(tocsin)).toStartWith(`v1.${parseSealingKey(sealing)?.id}.`);
      await arrivesSigned(node, id, secret, receiver.arrivals);
      await node.stop();
    }
    expect(existsSync(keyFile)).toBe(false);
  });
});

describe("on a shared database", () => {
  test("a node without SECRETS_KEY does not start, and says how to make one", async () => {
    const env = { DATABASE_URL: "postgres://tocsin@127.0.0.1:1/none", NATS_URL: "nats://127.0.0.1:1" };
    const { exitCode, stderr } = await runCommand(["serve"], env);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/^tocsin: SECRETS_KEY is not set: .*`tocsin key` or `openssl rand -base64 32`\.\n$/);
  });

  test("what `tocsin key` prints is a key, another each time", async () => {
    const printed = await Promise.all([1, 2].map(async () => (await runCommand(["key"])).stdout));
    expect(printed.map((text) => parseSealingKey(text.trim()) !== null)).toEqual([true, true]);
    expect(printed[0]).not.toBe(printed[1]);
  });
});
