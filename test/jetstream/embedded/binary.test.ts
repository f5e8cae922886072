import { describe, expect, test } from "bun:test";
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isFault } from "../../../src/domain/fault";
import { findNatsServer } from "../../../src/jetstream/embedded/binary";
import { lend, putProgram, putServer, searchGround } from "./fakeServers";

const DAY_MS = 24 * 3600 * 1000;

describe("a nats-server is looked for in order", () => {
  test("the one that was named is taken, before all others", async () => {
    using ground = searchGround();
    putServer(ground.bin, "2.14.5");
    const mine = putServer(join(ground.root, "mine"), "2.9.0");
    expect(await findNatsServer({ ...ground.search, binary: mine })).toEqual({ path: mine, version: [2, 9, 0], source: "NATS_SERVER_BIN" });
  });

  for (const [what, make] of [
    ["a file that is missing", (folder: string) => join(folder, "nothing")],
    ["a file that cannot be executed", plainFile],
    ["another program", (folder: string) => putProgram(folder, "other", "echo other v2.14.5")],
    ["a program that fails", (folder: string) => putProgram(folder, "broken", "exit 3")],
  ] as const) {
    test(`${what} under NATS_SERVER_BIN is an error at once, though a good one stands on PATH`, async () => {
      using ground = searchGround();
      putServer(ground.bin, "2.14.5");
      const binary = make(ground.root);
      const error = await findNatsServer({ ...ground.search, binary }).catch((caught: unknown) => caught);
      expect(isFault(error, "unavailable")).toBe(true);
      expect((error as Error).message).toStartWith(`NATS_SERVER_BIN: ${binary}`);
      expect((error as Error).message).not.toContain("\n");
    });
  }

  test("one on PATH that is new enough comes before the cache", async () => {
    using ground = searchGround();
    const path = putServer(ground.bin, "2.10.23");
    putServer(ground.cacheDir, "2.14.5", "nats-server-v2.14.5");
    expect(await findNatsServer(ground.search)).toEqual({ path, version: [2, 10, 23], source: "PATH" });
  });

  test("one in /usr/sbin serves when the one on PATH is too old", async () => {
    using ground = searchGround();
    putServer(ground.bin, "2.10.22");
    const path = putServer(ground.sbin, "2.11.0");
    expect(await findNatsServer(ground.search)).toMatchObject({ path, source: "PATH" });
  });

  test("the newest in the cache comes before an old one on PATH", async () => {
    using ground = searchGround();
    putServer(ground.bin, "2.9.10");
    putServer(ground.cacheDir, "2.12.0", "nats-server-v2.12.0");
    const path = putServer(ground.cacheDir, "2.14.5", "nats-server-v2.14.5");
    writeFileSync(join(ground.cacheDir, "nats-server-v2.15.0"), "a file that nobody made executable");
    expect(await findNatsServer(ground.search)).toEqual({ path, version: [2, 14, 5], source: "cache" });
  });

  test("Go builds one into the cache before an old one on PATH is taken, and the next search finds it there", async () => {
    using ground = searchGround();
    putServer(ground.bin, "2.9.10");
    putProgram(
      ground.bin,
      "go",
      `printf '#!/bin/sh\\necho nats-server: v2.14.5\\n' > "$GOBIN/nats-server" && chmod 755 "$GOBIN/nats-server"`,
    );
    const path = join(ground.cacheDir, "nats-server-v2.14.5");
    expect(await findNatsServer(ground.search)).toEqual({ path, version: [2, 14, 5], source: "go install" });
    expect(await findNatsServer(ground.search)).toMatchObject({ path, source: "cache" });
    expect(readdirSync(ground.cacheDir)).toEqual(["nats-server-v2.14.5"]);
  });

  test("an old one on PATH is taken when nothing better can be had, and each step says why not", async () => {
    using ground = searchGround();
    const path = putServer(ground.bin, "2.9.10");
    putProgram(ground.bin, "go", "echo no such module >&2; exit 1");
    expect(await findNatsServer(ground.search)).toMatchObject({ path, source: "PATH, old" });
    expect(ground.said).toEqual([
      `PATH: ${path} is 2.9.10, older than 2.10.23`,
      expect.stringMatching(/^release archive: no archive is pinned for /),
      expect.stringMatching(/^building .*@v2\.14\.5 with Go/),
      expect.stringMatching(/^go install: .*no such module$/),
    ]);
  });

  test("Debian's package is unpacked into the cache, with fresh lists when the download fails for lack of them", async () => {
    using ground = searchGround();
    putDebian(ground.bin);
    const path = join(ground.cacheDir, "nats-server-v2.9.10");
    expect(await findNatsServer(ground.search)).toEqual({ path, version: [2, 9, 10], source: "Debian's package" });
    expect(readdirSync(ground.cacheDir)).toEqual(["nats-server-v2.9.10"]);
  });

  test("an old server in the cache serves for a day, then a better one is looked for again, and it still serves when there is none", async () => {
    using ground = searchGround();
    const path = putServer(ground.cacheDir, "2.9.10", "nats-server-v2.9.10");
    expect(await findNatsServer(ground.search)).toMatchObject({ path, source: "cache" });
    expect(ground.said).toEqual([]);
    const before = (Date.now() - 2 * DAY_MS) / 1000;
    utimesSync(path, before, before);
    expect(await findNatsServer(ground.search)).toMatchObject({ path, source: "cache, old" });
    expect(ground.said.join()).toContain("release archive");
    expect(await findNatsServer(ground.search)).toMatchObject({ path, source: "cache" });
  });

  test("Homebrew comes last", async () => {
    using ground = searchGround();
    const prefix = join(ground.root, "brewed");
    const path = putServer(join(prefix, "bin"), "2.15.0");
    putProgram(ground.bin, "brew", `[ "$1" = install ] && exit 0; echo ${prefix}`);
    expect(await findNatsServer(ground.search)).toEqual({ path, version: [2, 15, 0], source: "Homebrew" });
  });

  test("when all fail, one error lists each step with its reason and what to do by hand", async () => {
    using ground = searchGround();
    lend(ground, "tar");
    const error = await findNatsServer(ground.search).catch((caught: unknown) => caught);
    expect(isFault(error, "unavailable")).toBe(true);
    const lines = (error as Error).message.split("\n");
    expect(lines.map((line) => line.trim().split(":")[0])).toEqual([
      "No nats-server could be had",
      "PATH",
      "cache",
      "release archive",
      "go install",
      "PATH, old",
      "cache, old",
      "Debian's package",
      "Homebrew",
      expect.stringContaining("NATS_SERVER_BIN"),
    ]);
  });
});

function plainFile(folder: string): string {
  const path = join(folder, "plain");
  writeFileSync(path, "text");
  return path;
}

/** `apt-get` and `dpkg-deb` of a machine whose archive has 2.9.10 and whose lists are missing. */
function putDebian(folder: string): void {
  const lists = join(folder, "lists");
  putProgram(
    folder,
    "apt-get",
    `case "$2" in update) : > ${lists};; download) [ -e ${lists} ] && : > nats-server_2.9.10_any.deb;; *) exit 9;; esac`,
  );
  const server = `printf '#!/bin/sh\\necho nats-server: v2.9.10\\n' > "$3/usr/sbin/nats-server" && chmod 755 "$3/usr/sbin/nats-server"`;
  putProgram(folder, "dpkg-deb", `[ -e "$2" ] && mkdir -p "$3/usr/sbin" && ${server}`);
}
