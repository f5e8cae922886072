import { describe, expect, test } from "bun:test";
import { bannedWord } from "./names";
import { readRepoFile, repoFiles, repoRoot } from "./repo";
import { addressesIn, machinePathsIn, namelessMigrations, otherLockFiles, registryHostsIn } from "./tidy";

const BINARY = /\.(?:png|ico|jpg|woff2|gz|db)$/;

/** What every text file of ours says that `find` looks for. */
function everywhere(find: (text: string) => string[]): string[] {
  return repoFiles()
    .filter((file) => !BINARY.test(file))
    .flatMap((file) => find(readRepoFile(file)).map((found) => `${file}: ${found}`));
}

describe("bun.lock", () => {
  test("holds no address", () => {
    expect(addressesIn(readRepoFile("bun.lock"))).toEqual([]);
  });

  test("with one would be noticed", () => {
    const lines = [
      '"ky": ["ky@2.1.0", "https://example.org/ky-2.1.0.tgz", {}, "sha512-x"],',
      '"a": ["a@git+ssh://x"]',
      '"b": ["b@file:../b"]',
    ];
    expect(addressesIn(lines.join("\n"))).toHaveLength(3);
    expect(addressesIn('"ky": ["ky@2.1.0", "", {}, "sha512-x"],')).toEqual([]);
  });

  test("is the only lock file", () => {
    expect(otherLockFiles(repoFiles())).toEqual([]);
    expect(otherLockFiles(["bun.lock", "yarn.lock", "x/pnpm-lock.yaml"])).toEqual(["yarn.lock", "x/pnpm-lock.yaml"]);
  });
});

describe("nothing in the repo", () => {
  test("names the host of a registry", () => {
    expect(everywhere((text) => registryHostsIn(text, process.env["npm_config_registry"]))).toEqual([]);
  });

  test("but a host named anywhere would be noticed", () => {
    const host = ["registry", "npmjs", "org"].join(".");
    expect(registryHostsIn(`see https://${host}/ky`, undefined)).toEqual([host]);
    expect(registryHostsIn("npm install --registry http://mirror.test:4873", "http://mirror.test:4873/npm/")).toEqual(["mirror.test:4873"]);
    expect(registryHostsIn("registry.createSensor(id)", undefined)).toEqual([]);
  });

  test("names a path of the machine that it was written on", () => {
    expect(everywhere((text) => machinePathsIn(text, repoRoot))).toEqual([]);
  });

  test("but such a path would be noticed", () => {
    const home = ["", "home", "ada", "tocsin"].join("/");
    expect(machinePathsIn(`cd ${home}`, "/a/b")).toEqual([["", "home", "ada"].join("/")]);
    expect(machinePathsIn("const x = '/a/b/src';", "/a/b")).toEqual(["/a/b"]);
    expect(machinePathsIn("docs/a/b.md and src/a/b", "/a/b")).toEqual([]);
    expect(machinePathsIn("/src/x", "/src")).toEqual([]);
  });
});

describe("a migration", () => {
  test("says in its name what it does", () => {
    expect(namelessMigrations(repoFiles("drizzle/**"))).toEqual([]);
  });

  test("with a random name would be noticed", () => {
    expect(namelessMigrations(["drizzle/sqlite/0001_adjective_hero.sql", "drizzle/sqlite/0002_add_silences.sql"])).toEqual([
      "drizzle/sqlite/0001_adjective_hero.sql",
    ]);
  });
});

describe("a word that names nothing", () => {
  test.each(["stringUtils", "utils", "src/helpers/x.ts", "StoreImpl", "LeaseManager", "common"])("is found in %s", (name) => {
    expect(bannedWord(name)).not.toBeNull();
  });

  test.each(["implement", "commonName_".slice(6), "utility", "managed", "simple"])("is not found in %s", (name) => {
    expect(bannedWord(name)).toBeNull();
  });
});
