import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { logsStacks, readCliConfig, readConfig } from "../../src/config";
import { ConfigError } from "../../src/configReader";

/** The system's own, or npm's: nobody sets them for Tocsin. */
const NOT_OURS = new Set(["HOME", "npm_lifecycle_event", "TOCSIN_LAUNCHED"]);

/** The names that the configuration asks for, with and without the ones that lead it another way. */
function namesRead(): Set<string> {
  const names = new Set<string>();
  const record = (values: Record<string, string>) =>
    new Proxy(values, {
      get(target, name) {
        names.add(String(name));
        return target[String(name)];
      },
    });
  const ways: Record<string, string>[] = [
    {},
    { NATS_URL: "nats://broker" },
    { TOCSIN_URL: "http://a", DATABASE_URL: "sqlite:a.db" },
    { AUTH_JWKS_URL: "https://a/keys", AUTH_ISSUER: "https://a", AUTH_AUDIENCE: "tocsin" },
  ];
  for (const values of ways) {
    readConfig(record(values));
    readCliConfig(record(values));
    logsStacks(record(values));
  }
  return names;
}

function namesListed(): string[] {
  const text = readFileSync(join(import.meta.dir, "../../.env.example"), "utf8");
  return [...text.matchAll(/^#([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1] as string);
}

test(".env.example lists exactly the variables that are read, each once", () => {
  const listed = namesListed();
  expect(listed.length).toBe(new Set(listed).size);
  expect(listed.sort()).toEqual([...namesRead()].filter((name) => !NOT_OURS.has(name)).sort());
});

test("the defaults that .env.example shows are the ones that hold", () => {
  const text = readFileSync(join(import.meta.dir, "../../.env.example"), "utf8");
  const shown = Object.fromEntries([...text.matchAll(/^#([A-Z][A-Z0-9_]*)=(.+)$/gm)].map((match) => [match[1], match[2]]));
  expect(readConfig({ ...shown, HOME: "/home" })).toEqual(readConfig({ HOME: "/home" }));
  expect(readCliConfig({ ...shown, NO_COLOR: "", HOME: "/home" })).toEqual(readCliConfig({ HOME: "/home" }));
});

test("the command line finds the API and NATS where the service's variables put them", () => {
  const config = readCliConfig({ HTTP_HOST: "0.0.0.0", HTTP_PORT: "9090", NATS_HOST: "::", NATS_PORT: "4333" });
  expect(config.apiUrl).toBe("http://127.0.0.1:9090");
  expect(config.natsUrls).toEqual(["nats://[::1]:4333"]);
  expect(config.remote).toBe(false);
});

test("an API elsewhere is not given the token of our data folder", () => {
  expect(readCliConfig({ TOCSIN_URL: "https://tocsin.example.org/" })).toMatchObject({
    apiUrl: "https://tocsin.example.org",
    remote: true,
  });
  expect(readCliConfig({ TOCSIN_URL: "http://[::1]:8080" }).remote).toBe(false);
});

test("a wrong address is said with its name", () => {
  expect(() => readCliConfig({ TOCSIN_URL: "ftp://a" })).toThrow(ConfigError);
  expect(() => readCliConfig({ TOCSIN_URL: "ftp://a" })).toThrow("TOCSIN_URL");
});
