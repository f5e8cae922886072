import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { tokenLine } from "../../src/cli/token";
import { hashToken } from "../../src/domain/token";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { openTokenMint } from "../../src/tokenMint";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "../http/api";
import { temporaryFolder } from "../store/sqlite/harness";
import { runCommand } from "./command";

const FIRST_PAGE = { limit: 100, cursor: null } as const;
const TOKEN = /^tcs_[A-Za-z0-9_-]{43}\n$/;

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const byApi = (...words: string[]) => runCommand(["token", ...words], { TOCSIN_URL: api.url, TOCSIN_TOKEN: ADMIN_TOKEN });

describe("by the API of a running Tocsin", () => {
  test("a token is made with what it is limited to, listed and revoked", async () => {
    const one = await byApi("create", "--name", "boiler", "--scopes", "reports:write", "--sensor", "boiler-7", "--expires-days", "1");
    const some = await byApi("create", "--name", "north", "--scopes", "sensors:read", "--label", "site:north", "--label", "floor:1");
    for (const { stdout } of [one, some]) expect(stdout).toMatch(TOKEN);
    const [found] = await api.store.findTokens([hashToken(one.stdout.trim())]);
    const id = found?.id ?? "";
    const { stdout } = await byApi("list");
    expect(stdout).toContain(`${id}  reports:write  boiler-7  until `);
    expect(stdout).toMatch(/tok_\w+ {2}sensors:read {2}site:north,floor:1 {2}for ever {2}never used {2}north\n/);
    expect(stdout).not.toContain("tcs_");
    expect(await byApi("revoke", id)).toMatchObject({ exitCode: 0, stdout: "", stderr: `${id} is revoked\n` });
    expect(await api.store.getToken(id)).toBeNull();
    const again = await byApi("revoke", id);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain("404");
  });
});

/** Runs on a database of its own, while no Tocsin runs. */
async function inStore(
  body: (env: Record<string, string>, look: <Seen>(at: (store: Store) => Promise<Seen>) => Promise<Seen>) => Promise<void>,
) {
  using folder = temporaryFolder();
  const look = async <Seen>(at: (store: Store) => Promise<Seen>): Promise<Seen> => {
    const store = await openStore({ kind: "sqlite", file: folder.file });
    try {
      return await at(store);
    } finally {
      await store.close();
    }
  };
  await look(async () => {});
  await body({ DATA_DIR: folder.path, HTTP_PORT: "1" }, look);
}

describe("straight in the database", () => {
  test("a token is made, listed and revoked, and the audit log has it", async () => {
    await inStore(async (env, look) => {
      const made = await runCommand(["token", "create", "--name", "a", "--scopes", "reports:write", "--label", "site:north"], env);
      expect(made.exitCode).toBe(0);
      expect(made.stdout).toMatch(TOKEN);
      expect((await look(openTokenMint)).formOf(made.stdout.trim())).toBe("tagged");
      const [token] = await look((store) => store.findTokens([hashToken(made.stdout.trim())]));
      expect(token).toMatchObject({ name: "a", reach: { labels: { site: "north" } } });
      const id = token?.id ?? "";
      expect((await runCommand(["token", "list"], env)).stdout).toBe(`${id}  reports:write  site:north  for ever  never used  a\n`);
      expect(await runCommand(["token", "revoke", id], env)).toMatchObject({ exitCode: 0, stdout: "" });
      expect(await runCommand(["token", "revoke", id], env)).toMatchObject({ exitCode: 1, stderr: `tocsin: There is no token ${id}.\n` });
      const { items } = await look((store) => store.listAudit({ actorId: "cli" }, FIRST_PAGE));
      expect(items).toMatchObject([
        { operation: "deleteToken", target: id, status: 404 },
        { operation: "deleteToken", target: id, status: 204 },
        { operation: "createToken", target: id, status: 201, actorKind: "cli" },
      ]);
      expect(items[0]?.actorName).toMatch(/.@./);
      expect(JSON.stringify(items)).not.toContain(hashToken(made.stdout.trim()));
    });
  });
});

test("what a token cannot be is an error of use", async () => {
  const create = ["token", "create", "--name", "a", "--scopes"];
  for (const words of [
    [...create, "admin", "--sensor", "boiler-7"],
    [...create, "webhooks:read", "--label", "site:north"],
    [...create, "sensors:read", "--sensor", "boiler-7", "--label", "site:north"],
    [...create, "sensors:read", "--sensor", "a.b"],
    [...create, "sensors:read", "--label", "site"],
    ["token", "revoke"],
  ]) {
    expect([words, (await runCommand(words, { HTTP_PORT: "1" })).exitCode]).toEqual([words, 2]);
  }
});

test("a token's line ends with its name, which may hold anything", () => {
  const shown = {
    id: "tok_1",
    name: "a  b",
    scopes: ["admin", "sensors:read"],
    sensorId: null,
    labels: null,
    expiresAt: null,
    lastUsedAt: null,
  };
  expect(tokenLine(shown)).toBe("tok_1  admin,sensors:read  all sensors  for ever  never used  a  b");
});
