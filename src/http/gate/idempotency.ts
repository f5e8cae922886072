/** What creates something is made once, however often it is asked for under one key (draft-ietf-httpapi-idempotency-key-header). */
import { Type } from "@sinclair/typebox";
import { Fault } from "../../domain/fault";
import type { BegunRequest, IdempotencyStore, IdempotentRequest } from "../../store/store";
import type { Vault } from "../../vault";
import type { Caller } from "../who/bearers";
import { invalid, Refusal } from "../problems";

/** For so long a key stands for its request. */
export const IDEMPOTENCY_KEEP_MS = 24 * 3600 * 1000;
const KEY_CHARS_MAX = 255;
const KEY = new RegExp(`^[\\x21-\\x7e]{1,${KEY_CHARS_MAX}}$`);
/** A request that runs for longer has died with its node. */
const RUNS_MS = 60_000;

/** The header of an operation that creates; an operation that declares it keeps its answers. */
export const IdempotencyKey = Type.Object({
  "idempotency-key": Type.Optional(
    Type.String({
      description:
        "A key of your choice for this request. Sent again with the same key within a day, it does nothing and gets the same answer, with `Idempotency-Replayed: true`.",
      examples: ["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    }),
  ),
});

export interface Once {
  readonly caller: Caller;
  readonly headers: Headers;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export interface Idempotency {
  /** Serves it, or gives what was answered before. Throws {@link Refusal}: 422 for another request under its key, 409 while the first one runs. */
  once(request: Once, serve: () => Response | Promise<Response>): Promise<Response>;
}

export interface IdempotencyOptions {
  readonly store: IdempotencyStore;
  readonly vault: Pick<Vault, "sealText" | "openText">;
  /** What became of a request could not be written down. */
  readonly notKept: (error: unknown) => void;
  readonly clock?: () => number;
}

interface Kept {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export function createIdempotency({ store, vault, notKept, clock = Date.now }: IdempotencyOptions): Idempotency {
  async function begin(wanted: IdempotentRequest): Promise<BegunRequest | Response> {
    const now = clock();
    const beginning = await store.beginIdempotent(wanted, now, now - IDEMPOTENCY_KEEP_MS);
    if (beginning.kind === "begun") return { actorId: wanted.actorId, key: wanted.key, begunAt: now };
    if (beginning.kind === "other") {
      throw invalid("The Idempotency-Key was already used for another request.", [
        { pointer: "/idempotency-key", message: "belongs to another request; use a new key" },
      ]);
    }
    if (beginning.kind === "running") throw stillRunning(now - beginning.begunAt);
    const text = vault.openText(purposeOf(wanted), beginning.answer);
    if (text === null)
      throw new Fault(
        "conflict",
        "This request was already answered under its Idempotency-Key, but the answer can no longer be decrypted; look whether it was done before you send it with a new key.",
      );
    const { headers, body } = JSON.parse(text) as Kept;
    return new Response(body === "" ? null : body, {
      status: beginning.status,
      headers: [...headers.map(([name, value]): [string, string] => [name, value]), ["idempotency-replayed", "true"]],
    });
  }

  function forget(begun: BegunRequest): Promise<void> {
    return store.forgetIdempotent(begun).catch(notKept);
  }

  return {
    async once({ caller, headers, method, path, body }, serve) {
      const key = keyIn(headers);
      if (key === null) return serve();
      const fingerprint = new Bun.CryptoHasher("sha256").update(JSON.stringify([method, path, body])).digest("hex");
      const wanted = { actorId: caller.id, key, fingerprint };
      // What could not be kept must not be made.
      vault.sealText(purposeOf(wanted), "");
      const begun = await begin(wanted);
      if (begun instanceof Response) return begun;
      const response = await served(serve, () => forget(begun));
      if (!response.ok) {
        await forget(begun);
        return response;
      }
      const text = await response.text();
      const kept: Kept = { headers: [...response.headers], body: text };
      const answer = vault.sealText(purposeOf(wanted), JSON.stringify(kept));
      // It was made, and whoever asked hears of it: only a repeat will be told that its end is not known.
      await store.endIdempotent(begun, { status: response.status, answer }).catch(notKept);
      return new Response(text === "" ? null : text, response);
    },
  };
}

async function served(serve: () => Response | Promise<Response>, forget: () => Promise<void>): Promise<Response> {
  try {
    return await serve();
  } catch (error) {
    await forget();
    throw error;
  }
}

/** An answer opens for who got it, under its key. */
function purposeOf({ actorId, key }: Pick<IdempotentRequest, "actorId" | "key">): string {
  return `answer ${JSON.stringify([actorId, key])}`;
}

function keyIn(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null || KEY.test(key)) return key;
  const message = `must be 1 to ${KEY_CHARS_MAX} visible ASCII characters`;
  throw invalid("The Idempotency-Key is not valid.", [{ pointer: "/idempotency-key", message }]);
}

function stillRunning(forMs: number): Refusal {
  const detail =
    forMs < RUNS_MS
      ? "A request with this Idempotency-Key is being answered; ask again in a moment."
      : "A request with this Idempotency-Key was begun, and how it ended is not known: look whether it made what it should, and take a new key.";
  return new Refusal(409, detail);
}
