import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROLES } from "../../src/config";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { newKey } from "../../src/signingKeys";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { type CannotOpen, openVault, type Vault } from "../../src/vault";
import { KEY_FILE } from "../../src/vault/keyFile";
import { SealingKey } from "../../src/vault/sealingKey";
import { refuseWithoutKey, resealAll, unlockVault } from "../../src/vault/unlock";
import { temporaryFolder } from "../store/sqlite/harness";

const [old, next] = [new SealingKey(randomBytes(32)), new SealingKey(randomBytes(32))];
const POSTGRES = { kind: "postgres", url: "postgres://tocsin@db/tocsin" } as const;

interface Place extends AsyncDisposable {
  readonly store: Store;
  readonly folder: string;
  readonly said: string[];
  readonly damaged: CannotOpen[];
  add(id: string, credentials: string): Promise<void>;
  unlock(sealingKeys: readonly SealingKey[] | null): Promise<Vault>;
  /** By the webhook's id. */
  sealed(): Promise<Record<string, string>>;
}

async function openPlace(): Promise<Place> {
  const folder = temporaryFolder();
  const place = { kind: "sqlite", file: folder.file } as const;
  const store = await openStore(place);
  await store.fixPartitionCount(1, 1);
  const said: string[] = [];
  const damaged: CannotOpen[] = [];
  return {
    store,
    folder: folder.path,
    said,
    damaged,
    async add(id, credentials) {
      const rest = { url: "https://example.org/", filter: {}, description: "", concurrency: 1, settings: SETTINGS_DEFAULT };
      await store.createWebhook({ id, ...rest, credentials });
    },
    unlock: (sealingKeys) =>
      unlockVault({
        config: { store: place, roles: ROLES },
        secrets: { adminToken: null, sealingKeys },
        folder: folder.path,
        rows: store,
        say: (line) => said.push(line),
        failed: (error) => damaged.push(error),
      }),
    sealed: async () => Object.fromEntries((await store.listCredentials()).map(({ id, credentials }) => [id, credentials])),
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

const credentialsOf = (secret: string) => ({
  keys: [{ id: "key_1", kind: "v1" as const, secret, createdAt: 1, expiresAt: null }],
  headers: {},
  auth: null,
  tls: null,
});

describe("a start", () => {
  test("without SECRETS_KEY makes a key of its own, once, and seals what was not sealed", async () => {
    await using place = await openPlace();
    const { secret } = newKey("v1", 1);
    await place.add("wh_1", `plain:${JSON.stringify([secret])}`);
    const first = await place.unlock(null);
    const { wh_1: sealed = "" } = await place.sealed();
    expect(sealed).not.toContain(secret);
    expect(first.isCurrent(sealed)).toBe(true);
    expect(place.said).toHaveLength(1);
    const second = await place.unlock(null);
    expect(second.openCredentials("wh_1", sealed).keys.map((key) => key.secret)).toEqual([secret]);
    expect((await place.sealed())["wh_1"]).toBe(sealed);
    expect(place.said).toHaveLength(1);
  });

  test("whose key file is gone ends, names the key, and makes none in its place", async () => {
    await using place = await openPlace();
    const vault = await place.unlock(null);
    const sealed = vault.sealCredentials("wh_1", credentialsOf("whsec_x"));
    await place.add("wh_1", sealed);
    rmSync(join(place.folder, KEY_FILE));
    await expect(place.unlock(null)).rejects.toThrow(`sealed with key ${sealed.split(".")[1]}`);
    await expect(place.unlock(null)).rejects.toThrow(KEY_FILE);
    expect(existsSync(join(place.folder, KEY_FILE))).toBe(false);
  });

  test("with a SECRETS_KEY that comes after the folder's own key seals with the former what the latter opens", async () => {
    await using place = await openPlace();
    const own = await place.unlock(null);
    await place.add("wh_1", own.sealCredentials("wh_1", credentialsOf("whsec_x")));
    const given = await place.unlock([old]);
    const { wh_1: sealed = "" } = await place.sealed();
    expect(sealed).toStartWith(`v1.${old.id}.`);
    expect(given.openCredentials("wh_1", sealed)).toEqual(credentialsOf("whsec_x"));
    rmSync(join(place.folder, KEY_FILE));
    await place.unlock([old]);
    expect(existsSync(join(place.folder, KEY_FILE))).toBe(false);
  });

  test("takes another key in three steps, and in none of them a secret is lost", async () => {
    await using place = await openPlace();
    const ids = ["wh_1", "wh_2", "wh_3"];
    const before = openVault({ keys: [old] });
    for (const id of ids) await place.add(id, before.sealCredentials(id, credentialsOf(`whsec_${id}`)));
    const kept = await place.sealed();
    for (const [keys, sealedWith] of [
      [[old, next], old],
      [[next, old], next],
      [[next], next],
    ] as const) {
      const vault = await place.unlock(keys);
      const sealed = await place.sealed();
      if (sealedWith === old) expect(sealed).toEqual(kept);
      for (const id of ids) {
        expect(sealed[id]).toStartWith(`v1.${sealedWith.id}.`);
        expect(vault.openCredentials(id, sealed[id] as string)).toEqual(credentialsOf(`whsec_${id}`));
      }
    }
  });

  test("that lacks the key to a row ends before it changes any", async () => {
    await using place = await openPlace();
    const before = openVault({ keys: [old] });
    await place.add("wh_1", `plain:["whsec_x"]`);
    await place.add("wh_2", before.sealCredentials("wh_2", credentialsOf("whsec_y")));
    const kept = await place.sealed();
    await expect(place.unlock([next])).rejects.toMatchObject({ reason: "keyMissing", keyId: old.id });
    expect(await place.sealed()).toEqual(kept);
  });

  test("goes on without a row that nobody can open, and tells of it", async () => {
    await using place = await openPlace();
    const before = openVault({ keys: [old] });
    await place.add("wh_1", before.sealCredentials("wh_9", credentialsOf("whsec_x")));
    await place.add("wh_2", before.sealCredentials("wh_2", credentialsOf("whsec_y")));
    const kept = await place.sealed();
    await place.unlock([next, old]);
    const sealed = await place.sealed();
    expect(sealed["wh_1"]).toBe(kept["wh_1"] as string);
    expect(sealed["wh_2"]).toStartWith(`v1.${next.id}.`);
    expect(place.damaged.map(({ message }) => message)).toEqual([expect.stringContaining("wh_1")]);
  });
});

describe("sealing anew", () => {
  test("by two nodes at once seals each row once, whatever the order", async () => {
    await using place = await openPlace();
    const ids = Array.from({ length: 50 }, (_, index) => `wh_${index}`);
    for (const id of ids) await place.add(id, `plain:["whsec_${id}"]`);
    const vaults = [openVault({ keys: [next] }), openVault({ keys: [next] })];
    const counts = await Promise.all(vaults.map((vault) => resealAll(vault, place.store, () => {})));
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(ids.length);
    const sealed = await place.sealed();
    const reader = openVault({ keys: [next] });
    expect(ids.map((id) => reader.openCredentials(id, sealed[id] as string).keys[0]?.secret)).toEqual(ids.map((id) => `whsec_${id}`));
  });

  test("leaves a row that was edited meanwhile as it was edited", async () => {
    await using place = await openPlace();
    await place.add("wh_1", `plain:["whsec_x"]`);
    const vault = openVault({ keys: [next] });
    const edited = vault.sealCredentials("wh_1", credentialsOf("whsec_edited"));
    const { store } = place;
    const rows = {
      async listCredentials() {
        const listed = await store.listCredentials();
        expect(await store.replaceCredentials("wh_1", listed[0]?.credentials as string, edited)).toBe(true);
        return listed;
      },
      replaceCredentials: (id: string, before: string, after: string) => store.replaceCredentials(id, before, after),
    };
    expect(await resealAll(vault, rows, () => {})).toBe(0);
    expect((await place.sealed())["wh_1"]).toBe(edited);
  });
});

describe("on a shared database", () => {
  test("a node that makes or sends webhooks does not start without a key; one that only takes reports in does", () => {
    const none = { adminToken: null, sealingKeys: null };
    for (const roles of [ROLES, ["http"], ["notify"]] as const)
      expect(() => refuseWithoutKey({ store: POSTGRES, roles }, none)).toThrow(/openssl rand -base64 32/);
    refuseWithoutKey({ store: POSTGRES, roles: ["ingest"] }, none);
    refuseWithoutKey({ store: POSTGRES, roles: ROLES }, { adminToken: null, sealingKeys: [old] });
    refuseWithoutKey({ store: { kind: "sqlite", file: "a.db" }, roles: ROLES }, none);
  });
});
