/** Which keys a node seals and opens webhooks' secrets with, and that all of them are sealed with the first of these. */
import type { Config, Secrets } from "../config";
import { Fault } from "../domain/fault";
import { CannotOpen, openVault, sealedWith, type Vault } from "../vault";
import { KEY_FILE, makeKeyFile, readKeyFile } from "./keyFile";
import type { SealingKey } from "./sealingKey";

/** The webhooks' rows, as far as their secrets go. */
export interface SealedRows {
  listCredentials(): Promise<readonly { readonly id: string; readonly credentials: string }[]>;
  /** False when `before` no longer stands there. */
  replaceCredentials(id: string, before: string, after: string): Promise<boolean>;
}

type Place = Pick<Config, "store" | "roles">;

/** On a shared database all nodes need the same key, so none of them may make one. Throws `Fault` (invalid). */
export function refuseWithoutKey({ store, roles }: Place, { sealingKeys }: Secrets): void {
  if (store.kind === "sqlite" || sealingKeys !== null || !roles.some(hasToDoWithSecrets)) return;
  throw new Fault(
    "invalid",
    "SECRETS_KEY is not set: with Postgres, every node needs the same key to webhooks' secrets. Make one with `tocsin key` or `openssl rand -base64 32`.",
  );
}

/** `ingest` neither makes webhooks nor sends them. */
function hasToDoWithSecrets(role: Place["roles"][number]): boolean {
  return role !== "ingest";
}

interface Means {
  readonly config: Place;
  readonly secrets: Secrets;
  /** The data folder's path; null for a node that has none. */
  readonly folder: string | null;
  readonly rows: SealedRows;
  /** Tells a person what start-up does. */
  readonly say: (line: string) => void;
  /** Rows that nobody can open any more; the service starts without them. */
  readonly failed: (error: CannotOpen) => void;
}

/**
 * The node's vault, all rows sealed under its first key. Throws `Fault` (unavailable) when a row needs a key that is not there: nothing
 * could be sent to its webhook, and it would look as if the receiver were to blame.
 */
export async function unlockVault({ config, secrets, folder, rows, say, failed }: Means): Promise<Vault> {
  const keys = await keysOf({ config, secrets, folder, rows });
  const vault = openVault({ keys });
  if (keys.length === 0) return vault;
  const resealed = await resealAll(vault, rows, failed);
  if (resealed > 0) say(`the secrets of ${resealed === 1 ? "1 webhook" : `${resealed} webhooks`} are now sealed with key ${keys[0]?.id}`);
  return vault;
}

async function keysOf({ config, secrets, folder, rows }: Pick<Means, "config" | "secrets" | "folder" | "rows">): Promise<SealingKey[]> {
  const held = heldKeys({ config, secrets, folder });
  if (held.length > 0 || config.store.kind !== "sqlite" || folder === null) return held;
  const needed = await lackingKeys(rows, []);
  if (needed.length === 0) return [makeKeyFile(folder)];
  throw new Fault(
    "unavailable",
    `${KEY_FILE} is missing in ${folder}, and the database holds secrets that are sealed with key ${needed.join(", ")}. Put the file back, or set SECRETS_KEY to that key.`,
  );
}

/** Given ones come first; the folder's own still opens what it sealed before they were given. Throws `Fault` as {@link readKeyFile} does. */
export function heldKeys({ config, secrets, folder }: Pick<Means, "config" | "secrets" | "folder">): SealingKey[] {
  const given = secrets.sealingKeys ?? [];
  const own = config.store.kind === "sqlite" && folder !== null ? readKeyFile(folder) : null;
  return own === null || given.some(({ id }) => id === own.id) ? [...given] : [...given, own];
}

/** The ids of keys that rows are sealed with and that are not among `keys`. */
export async function lackingKeys(rows: Pick<SealedRows, "listCredentials">, keys: readonly SealingKey[]): Promise<string[]> {
  const needed = new Set((await rows.listCredentials()).flatMap(({ credentials }) => sealedWith(credentials) ?? []));
  return [...needed].filter((keyId) => keys.every(({ id }) => id !== keyId));
}

/**
 * Seals anew what is not sealed under the vault's first key, and gives how many rows that were. Nodes may do it at once: whoever comes
 * second finds the row changed and leaves it. Throws {@link CannotOpen} for a row whose key is not there, before any row is changed.
 */
export async function resealAll(vault: Vault, rows: SealedRows, failed: (error: CannotOpen) => void): Promise<number> {
  const opened = (await rows.listCredentials())
    .filter(({ credentials }) => !vault.isCurrent(credentials))
    .flatMap((row) => {
      try {
        return [{ ...row, content: vault.openCredentials(row.id, row.credentials) }];
      } catch (error) {
        if (!(error instanceof CannotOpen) || error.reason === "keyMissing") throw error;
        failed(error);
        return [];
      }
    });
  let resealed = 0;
  for (const { id, credentials, content } of opened) {
    if (await rows.replaceCredentials(id, credentials, vault.sealCredentials(id, content))) resealed += 1;
  }
  return resealed;
}
