import { expect, test } from "bun:test";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { openNats } from "../../src/jetstream/connection";
import { startNatsServer } from "../servers/natsServer";
import { until } from "../until";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const SECRET = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
const BODY = '{"type":"webhook.test","timestamp":"2026-11-23T10:00:00.000Z","data":{"webhookId":"wh_1"}}';

/** The real program at one end of a shell's pipe, or (null) writing to a full disk; the exit code and what stands on stderr are its own. */
function startPiped(words: readonly string[], reader: string | null, env: Readonly<Record<string, string>> = {}) {
  const script = reader === null ? 'exec "$@" > /dev/full' : `set -o pipefail; "$@" | ${reader}`;
  const child = Bun.spawn(["bash", "-c", script, "bash", process.execPath, MAIN, ...words], {
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let stderr = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) stderr += decoder.decode(chunk, { stream: true });
  })();
  return {
    says: (pattern: RegExp) => until(() => pattern.test(stderr), `${pattern} was not said`),
    said: () => stderr,
    hasEnded: () => child.exitCode !== null,
    async ended() {
      const [exitCode, stdout] = await Promise.all([child.exited, new Response(child.stdout).text(), reading]);
      return { exitCode, stdout, stderr };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

test("tail ends in silence, without an error, once nobody reads on", async () => {
  const nats = await startNatsServer();
  const link = await openNats({ urls: [nats.url], name: "test" });
  try {
    await using tail = startPiped(["tail", "--json"], "head -2", { NATS_URL: nats.url });
    await tail.says(/following the changes/);
    let published = 0;
    await until(async () => {
      link.connection.publish("changes.1.0.a", `{"n":${(published += 1)}}`);
      await link.connection.flush();
      await Bun.sleep(20);
      return tail.hasEnded();
    }, "tail went on");
    expect(await tail.ended()).toEqual({
      exitCode: 0,
      stdout: '{"n":1}\n{"n":2}\n',
      stderr: expect.stringMatching(/^following the changes.*\n$/) as string,
    });
  } finally {
    await link.close();
    await nats.stop();
  }
});

test("sense ends in silence, without an error, once nobody reads on", async () => {
  const nats = await startNatsServer();
  const link = await openNats({ urls: [nats.url], name: "test" });
  try {
    await link.api.streams.add({ name: "REPORTS_1_0", subjects: ["reports.1.0.*"] });
    const away = { NATS_URL: nats.url, TOCSIN_URL: "http://127.0.0.1:1" };
    await using sense = startPiped(["sense", "--id", "here", "--interval", "0.2"], "head -1", away);
    await until(() => sense.hasEnded(), "sense went on");
    const { exitCode, stdout, stderr } = await sense.ended();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\S+ {2}here-load .*\n$/);
    expect(stderr).toMatch(/^no heartbeats are registered: .*\n$/);
  } finally {
    await link.close();
    await nats.stop();
  }
});

test("listen ends in silence, without an error, once nobody reads on", async () => {
  await using listen = startPiped(["listen", "--port", "0", "--secret", SECRET], "head -1");
  await listen.says(/listening on \S+;/);
  const [, url = ""] = /listening on (\S+?);/.exec(listen.said()) ?? [];
  let sent = 0;
  await until(async () => {
    await post(url, `msg_${(sent += 1)}`).catch(() => null);
    await Bun.sleep(20);
    return listen.hasEnded();
  }, "listen went on");
  expect(await listen.ended()).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/^verified .* msg_1\n$/) as string,
    stderr: expect.stringMatching(/^listening on .*\n$/) as string,
  });
});

test("a slow reader gets every line", async () => {
  await using listen = startPiped(
    ["listen", "--port", "0", "--secret", SECRET, "--json"],
    "(sleep 1; head -c 400000 | tr -cd '\\n' | wc -c)",
  );
  await listen.says(/listening on \S+;/);
  const [, url = ""] = /listening on (\S+?);/.exec(listen.said()) ?? [];
  const body = BODY.replace("wh_1", "x".repeat(1000 - BODY.length + 3));
  for (let sent = 1; sent <= 420 && !listen.hasEnded(); sent += 1) await post(url, `msg_${sent}`, body).catch(() => null);
  expect(await listen.ended()).toMatchObject({ exitCode: 0, stdout: "400\n" });
});

test("where stdout cannot be written the command ends with the reason", async () => {
  await using listen = startPiped(["listen", "--port", "0", "--secret", SECRET], null);
  await listen.says(/listening on \S+;/);
  const [, url = ""] = /listening on (\S+?);/.exec(listen.said()) ?? [];
  await post(url, "msg_1").catch(() => null);
  const { exitCode, stderr } = await listen.ended();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/\ntocsin: stdout cannot be written: ENOSPC.*\n$/);
});

function post(url: string, id: string, body = BODY): Promise<Response> {
  const at = new Date();
  const signature = new Webhook(SECRET).sign(id, at, body);
  const headers = { "webhook-id": id, "webhook-timestamp": String(Math.floor(at.getTime() / 1000)), "webhook-signature": signature };
  return fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
}
