import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { platformName } from "../../../src/jetstream/embedded/archive";
import { findNatsServer } from "../../../src/jetstream/embedded/binary";
import type { Release } from "../../../src/jetstream/embedded/found";
import { lend, putServer, type SearchGround, searchGround } from "./fakeServers";

describe("the release archive", () => {
  test("is downloaded, compared with its sum and unpacked into the cache; the next start takes it from there", async () => {
    using ground = searchGround();
    const { bytes, release } = makeArchive(ground);
    await using mirror = serve(bytes);
    const search = { ...ground.search, releaseBase: mirror.base, release };
    const path = join(ground.cacheDir, "nats-server-v2.14.5");
    expect(await findNatsServer(search)).toEqual({ path, version: [2, 14, 5], source: "release archive" });
    expect(await findNatsServer(search)).toMatchObject({ path, source: "cache" });
    expect(mirror.asked).toEqual([`/v2.14.5/nats-server-v2.14.5-${platformName()}.tar.gz`]);
    expect(readdirSync(ground.cacheDir)).toEqual(["nats-server-v2.14.5"]);
  });

  test("with a wrong sum is refused loudly, and nothing of it is kept or run", async () => {
    using ground = searchGround();
    const { bytes, release } = makeArchive(ground);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await using mirror = serve(bytes);
    const found = findNatsServer({ ...ground.search, releaseBase: mirror.base, release });
    await expect(found).rejects.toThrow(/release archive: THE ARCHIVE IS NOT THE ONE PINNED .* is [0-9a-f]{64}, not [0-9a-f]{64}/);
    expect(ground.said.join()).toContain("NOT THE ONE PINNED");
    expect(() => readdirSync(ground.cacheDir)).toThrow();
  });

  test("that a server does not have, refuses to serve or never sends is given up soon", async () => {
    using ground = searchGround();
    const { release } = makeArchive(ground);
    await using missing = serve(null);
    await expect(findNatsServer({ ...ground.search, releaseBase: missing.base, release })).rejects.toThrow(
      "release archive: the answer is 404",
    );
    await expect(findNatsServer({ ...ground.search, releaseBase: "http://127.0.0.1:1", release })).rejects.toThrow(
      "release archive: the download failed",
    );
    await using silent = serve("never");
    const impatient = { ...ground.search, firstAnswerMs: 200 };
    await expect(findNatsServer({ ...impatient, releaseBase: silent.base, release })).rejects.toThrow("nothing after 0.2 s");
  });

  test("fetched by several at once serves them all", async () => {
    using ground = searchGround();
    const { bytes, release } = makeArchive(ground);
    await using mirror = serve(bytes);
    const search = { ...ground.search, releaseBase: mirror.base, release };
    const found = await Promise.all(Array.from({ length: 4 }, () => findNatsServer(search)));
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    expect(readdirSync(ground.cacheDir)).toEqual(["nats-server-v2.14.5"]);
  });
});

/** An archive of the shape of the official ones, with a script for a server in it. */
function makeArchive(ground: SearchGround): { bytes: Uint8Array; release: Release } {
  lend(ground, "tar");
  const name = `nats-server-v2.14.5-${platformName()}`;
  mkdirSync(join(ground.root, name));
  putServer(join(ground.root, name), "2.14.5");
  const file = join(ground.root, "archive.tar.gz");
  Bun.spawnSync(["tar", "-czf", file, "-C", ground.root, name]);
  const bytes = new Uint8Array(readFileSync(file));
  const sum = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  return { bytes, release: { version: [2, 14, 5], sha256: { [platformName()]: sum } } };
}

/** A mirror on loopback: serves these bytes, answers 404, or never answers. */
function serve(body: Uint8Array | null | "never") {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      asked.push(new URL(request.url).pathname);
      if (body === "never") return new Promise<Response>(() => {});
      return body === null ? new Response("", { status: 404 }) : new Response(body);
    },
  });
  return { base: `http://127.0.0.1:${server.port}/`, asked, [Symbol.asyncDispose]: () => server.stop(true) };
}
