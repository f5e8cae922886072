import { expect, test } from "bun:test";
import { join } from "node:path";
import { createSender } from "../../src/notifier/webhook/sender";
import { openDnsStub } from "../servers/dnsStub";
import { openCountingListener } from "./countingListener";
import { STRICT } from "./scene";
import { newMessage } from "./messages";

const SCRIPT = join(import.meta.dir, "attemptOnce.ts");
const OUTER = "127.0.0.9";
const ALLOWED = { ...STRICT, allowCidrs: [`${OUTER}/32`] };

function send(config: typeof ALLOWED, url: string) {
  return createSender(config).send(newMessage(url));
}

/** In a process of its own, with just this environment. */
async function attemptIn(env: Record<string, string>, ...words: string[]): Promise<{ statusCode: number | null; error?: string | null }> {
  const child = Bun.spawn([process.execPath, "--no-env-file", SCRIPT, ...words], { env, stdout: "pipe", stderr: "inherit" });
  const printed = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return JSON.parse(printed) as { statusCode: number | null; error?: string | null };
}

test("proxies of the environment are not used, over HTTP and HTTPS, for addresses and names", async () => {
  await using proxy = await openCountingListener({ says: "HTTP/1.1 218 By Proxy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" });
  await using outer = await openCountingListener({ hostname: OUTER });
  await using stub = await openDnsStub(() => ({ addresses: [OUTER] }));
  const at = `http://127.0.0.1:${proxy.port}`;
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
  const env = {
    ...Object.fromEntries(names.map((name) => [name, at])),
    HTTP_HOST: "0.0.0.0",
    WEBHOOK_ALLOW_CIDRS: `${OUTER}/32`,
    WEBHOOK_DNS_SERVERS: stub.address,
  };
  // Such an environment does lead a request that takes no care through the proxy.
  expect(await attemptIn(env, `http://${OUTER}:${outer.port}/`, "plainly")).toEqual({ statusCode: 218 });
  expect([proxy.connections.length, outer.connections.length]).toEqual([1, 0]);

  expect(await attemptIn(env, `http://${OUTER}:${outer.port}/`)).toMatchObject({ statusCode: 204 });
  expect(await attemptIn(env, `http://hooks.example:${outer.port}/`)).toMatchObject({ statusCode: 204 });
  // No TLS is spoken there, but it was there that it was tried.
  expect(await attemptIn(env, `https://hooks.example:${outer.port}/`)).toMatchObject({ statusCode: null });
  expect([proxy.connections.length, outer.connections.length]).toEqual([1, 3]);
  // And what is refused is refused, whatever a proxy might do for it.
  expect(await attemptIn(env, `http://127.0.0.1:${outer.port}/`)).toMatchObject({ error: "address 127.0.0.1 is not public (loopback)" });
  expect(proxy.connections).toHaveLength(1);
}, 60_000);

test("over TLS the address that was checked is dialled under the name, which the server is told", async () => {
  await using stub = await openDnsStub(() => ({ addresses: [OUTER] }));
  await using outer = await openCountingListener({ hostname: OUTER });
  await send({ ...ALLOWED, dnsServers: [stub.address] }, `https://hooks.example.:${outer.port}/`);
  expect(outer.connections).toHaveLength(1);
  expect(serverNameIn(outer.connections[0] as Buffer)).toBe("hooks.example");
});

test.each([301, 302, 303, 307, 308])("a redirect inwards (%d) is not followed", async (status) => {
  await using inner = await openCountingListener();
  const says = `HTTP/1.1 ${status} Elsewhere\r\nlocation: http://127.0.0.1:${inner.port}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
  await using outer = await openCountingListener({ hostname: OUTER, says });
  const sent = await send(ALLOWED, `http://${OUTER}:${outer.port}/`);
  expect(sent?.attempt).toMatchObject({ statusCode: status, error: `answered ${status}: redirects are not followed` });
  expect([inner.connections.length, outer.connections.length]).toEqual([0, 1]);
});

test("an address in another notation is dialled as the one that was judged", async () => {
  await using outer = await openCountingListener({ hostname: OUTER });
  for (const host of ["2130706441", "0x7f.9", "0177.0.0.011", "[::ffff:127.0.0.9]", "[::ffff:7f00:9]"]) {
    expect((await send(ALLOWED, `http://${host}:${outer.port}/`))?.attempt.statusCode).toBe(204);
  }
  expect(outer.connections).toHaveLength(5);
});

/** `server_name` of a ClientHello (RFC 6066): 0, list's and name's lengths, then the name. */
function serverNameIn(hello: Buffer): string | null {
  const found = /\0\0(..)(..)\0(..)([a-z0-9.-]+)/s.exec(hello.toString("latin1"));
  if (found === null) return null;
  const length = Buffer.from(found[3] as string, "latin1").readUInt16BE(0);
  return (found[4] as string).slice(0, length);
}
