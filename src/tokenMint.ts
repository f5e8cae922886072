/** Makes tokens whose form shows where they were made, so that a node tells one that it has never seen from a guess, without a look-up. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { isToken, TOKEN_PREFIX } from "./domain/token";
import type { SharedSecretStore } from "./store/store";

const RANDOM_BYTES = 24;
const RANDOM_CHARS = 32;
/** 60 bits. It proves nothing: a guess that has the right ones by chance is looked up, and is not there. */
const TAG_CHARS = 10;
/** The last character of 32 bytes in base64url, which are a token without a tag, is never this one. */
const MARK = "t";
const TAGGED_CHARS = TOKEN_PREFIX.length + RANDOM_CHARS;

/**
 * `tagged`: it was made for this database; whether it is still valid only a look-up tells. `untagged`: made without a tag, or made up.
 * `forged`: it has a tag, and not the right one.
 */
export type TokenForm = "tagged" | "untagged" | "forged";

export interface TokenMint {
  /** A new token: `tcs_`, 24 random bytes and their tag in base64url. It is shown once; what is kept is its hash. */
  mint(): string;
  /** Null for what cannot be one of ours at all. */
  formOf(text: string): TokenForm | null;
}

/** The tag is an HMAC-SHA256 under a key that all nodes of the database share. Throws `Fault` (unavailable). */
export async function openTokenMint(store: SharedSecretStore): Promise<TokenMint> {
  const key = Buffer.from(await store.sharedSecret("tokens", randomBytes(32).toString("base64url")));
  const tagOf = (text: string) => createHmac("sha256", key).update(text).digest("base64url").slice(0, TAG_CHARS);

  return {
    mint() {
      const text = TOKEN_PREFIX + randomBytes(RANDOM_BYTES).toString("base64url");
      return text + tagOf(text) + MARK;
    },

    formOf(text) {
      if (!isToken(text)) return null;
      if (!text.endsWith(MARK)) return "untagged";
      const tag = text.slice(TAGGED_CHARS, -MARK.length);
      return timingSafeEqual(Buffer.from(tag), Buffer.from(tagOf(text.slice(0, TAGGED_CHARS)))) ? "tagged" : "forged";
    },
  };
}
