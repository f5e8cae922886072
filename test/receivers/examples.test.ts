import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { join } from "node:path";
import { freePorts } from "../servers/freePorts";
import { inherited, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { until } from "../until";

const EXAMPLES = join(import.meta.dir, "../../docs/examples");
const DEADLINE_MS = 30_000;

/** The examples of docs/webhooks.md that run here; Go's is tried by hand. */
const RECEIVERS: readonly { readonly name: string; readonly command: readonly string[]; readonly knows: readonly ("v1" | "v1a")[] }[] = [
  { name: "receiver.ts", command: [process.execPath, "--no-env-file"], knows: ["v1", "v1a"] },
  { name: "receiver.py", command: ["python3", "-u"], knows: ["v1"] },
];

interface RunningExample extends AsyncDisposable {
  readonly url: string;
  readonly output: () => string;
}

async function startExample(command: readonly string[], env: Record<string, string>): Promise<RunningExample> {
  const child = Bun.spawn([...command], { env: { ...inherited(), PORT: "0", ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
  };
  for (const stream of [child.stdout, child.stderr]) void collect(stream);
  const [, url = ""] = await printed(() => output, /listening on (\S+)/);
  return {
    url,
    output: () => output,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

async function printed(output: () => string, pattern: RegExp): Promise<RegExpExecArray> {
  let match: RegExpExecArray | null = null;
  await until(() => (match = pattern.exec(output())) !== null, `${pattern} is not printed; but:\n${output()}`, DEADLINE_MS);
  return match as unknown as RegExpExecArray;
}

let tocsin: TocsinProcess;
let freePort: number;
beforeAll(async () => {
  tocsin = await startTocsin();
  // A receiver is told its secret when it starts, which the registration makes: so the port is known before either.
  [freePort] = await freePorts(1);
}, 60_000);
afterAll(() => tocsin[Symbol.asyncDispose]());

interface Registered {
  readonly id: string;
  readonly secret: string;
  readonly publicKey: string;
}

async function post(path: string, body: unknown): Promise<Response> {
  const answer = await tocsin.api(path, { method: "POST", body: JSON.stringify(body) });
  expect({ path, status: answer.status < 300 }).toEqual({ path, status: true });
  return answer;
}

/** A webhook that leads to `freePort`, for one sensor alone. */
async function register(sensorId: string, settings: object): Promise<Registered> {
  const wish = { url: `http://127.0.0.1:${freePort}/`, filter: { sensorIds: [sensorId] }, signatures: ["v1", "v1a"], ...settings };
  return (await (await post("/v1/webhooks", wish)).json()) as Registered;
}

const FORMATS: readonly object[] = [
  {},
  { batch: { maxItems: 2, maxWaitMs: 5000 } },
  { format: "cloudevents" },
  { format: "cloudevents", batch: { maxItems: 2, maxWaitMs: 5000 } },
  { format: "cloudevents-binary" },
];

for (const { name, command, knows } of RECEIVERS) {
  const start = (env: Record<string, string>) => startExample([...command, join(EXAMPLES, name)], env);

  describe(`docs/examples/${name}`, () => {
    for (const [index, settings] of FORMATS.entries()) {
      for (const version of knows) {
        test(`takes what is sent as ${JSON.stringify(settings)}, by ${version}`, async () => {
          const sensorId = `${name.replace(".", "-")}-${index}-${version}`;
          const { id, secret, publicKey } = await register(sensorId, settings);
          const env: Record<string, string> = version === "v1" ? { WEBHOOK_SECRET: secret } : { WEBHOOK_PUBLIC_KEY: publicKey };
          await using receiver = await start({ ...env, PORT: String(freePort) });
          for (const status of ["overheated", "ok"]) await post(`/v1/sensors/${sensorId}/reports`, { status, message: "91 °C" });
          await until(() => acceptedBy(receiver).length === 2, "two changes are not accepted", DEADLINE_MS);
          for (const line of acceptedBy(receiver)) {
            expect(line).toStartWith(`accepted ${id}_0_`);
            expect(line).toContain(" sensor.status.changed ");
            expect(line).toContain(sensorId);
          }
          await until(async () => (await statesOf(id)) === "delivered delivered", "they do not count as delivered");
          expect(receiver.output()).not.toContain("refused");
          await tocsin.api(`/v1/webhooks/${id}`, { method: "DELETE" });
        }, 60_000);
      }
    }

    for (const version of knows) {
      test(`refuses what is not signed rightly by ${version}, now; takes a repeat once`, async () => {
        const [right, other] = [PAIRS[version](), PAIRS[version]()];
        await using receiver = await start(right.env);
        const send = sender(receiver.url, right);
        expect(await send({})).toBe(204);
        expect(await send({})).toBe(204);
        expect(await send({ body: BODY.replace("hot", "ok") })).toBe(401);
        expect(await send({ id: "wh_1_0_2" })).toBe(401);
        expect(await send({ at: Date.now() - 6 * 60_000 })).toBe(401);
        expect(await send({ at: Date.now() + 6 * 60_000 })).toBe(401);
        expect(await send({ signers: [other] })).toBe(401);
        expect(await send({ signers: [other, right] })).toBe(204);
        expect((await fetch(receiver.url, { method: "POST", body: BODY })).status).toBe(401);
        for (const signature of ["", "v1", "v1,", "v1,AAAA", "v1,!", "v2,AAAA", "v1a,AAAA"]) expect(await send({ signature })).toBe(401);
        for (const timestamp of ["", "now", "-1", "1e9", "99999999999999999999"]) expect(await send({ timestamp })).toBe(401);
        // What a process prints arrives after what it answers.
        const countOf = (word: string) => receiver.output().match(new RegExp(`^${word}`, "gm"))?.length;
        await until(() => countOf("refused: ") === 18, `not 18 are refused:\n${receiver.output()}`);
        expect(countOf("accepted ")).toBe(1);
      }, 60_000);
    }
  });
}

const ID = "wh_1_0_1";
const BODY = '{"type":"sensor.status.changed","timestamp":"2026-11-23T10:00:00.000Z","data":{"to":{"status":"hot"}}}';

interface Pair {
  readonly env: Record<string, string>;
  readonly sign: (text: string) => string;
}

/** What signs, and what a receiver is given to verify it with. Made here from the standard's words, by no code of ours. */
const PAIRS: Readonly<Record<"v1" | "v1a", () => Pair>> = {
  v1() {
    const key = randomBytes(32);
    const env = { WEBHOOK_SECRET: `whsec_${key.toString("base64")}` };
    return { env, sign: (text) => `v1,${createHmac("sha256", key).update(text).digest("base64")}` };
  },
  v1a() {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const x = Buffer.from(publicKey.export({ format: "jwk" }).x as string, "base64url");
    const env = { WEBHOOK_PUBLIC_KEY: `whpk_${x.toString("base64")}` };
    return { env, sign: (text) => `v1a,${sign(null, Buffer.from(text), privateKey).toString("base64")}` };
  },
};

interface Forged {
  readonly body?: string;
  readonly id?: string;
  readonly at?: number;
  readonly signers?: readonly Pair[];
  readonly signature?: string;
  readonly timestamp?: string;
}

/** Posts what is signed rightly, but for what is forged; gives the status of the answer. */
function sender(url: string, right: Pair) {
  return async ({ body = BODY, id = ID, at = Date.now(), signers = [right], ...forged }: Forged): Promise<number> => {
    const timestamp = String(Math.floor(at / 1000));
    const headers = {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": forged.timestamp ?? timestamp,
      "webhook-signature": forged.signature ?? signers.map((pair) => pair.sign(`${ID}.${timestamp}.${BODY}`)).join(" "),
    };
    return (await fetch(url, { method: "POST", headers, body })).status;
  };
}

function acceptedBy(receiver: RunningExample): string[] {
  return receiver.output().match(/^accepted .*$/gm) ?? [];
}

async function statesOf(webhookId: string): Promise<string> {
  const answer = await tocsin.api(`/v1/deliveries?webhookId=${webhookId}`);
  return ((await answer.json()) as { items: { state: string }[] }).items.map(({ state }) => state).join(" ");
}

test("the worked example of docs/webhooks.md is right", async () => {
  const page = await Bun.file(join(EXAMPLES, "../webhooks.md")).text();
  const [, block = ""] = /```\n(secret .*?)```/s.exec(page) ?? [];
  const { secret, id, timestamp, body, signature } = Object.fromEntries(
    block
      .trim()
      .split("\n")
      .map((line) => line.split(/ +(.*)/, 2)),
  );
  const key = Buffer.from((secret as string).slice("whsec_".length), "base64");
  expect(key.length).toBe(32);
  expect(signature).toBe(`v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`);
});
