import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const ID_CHARS = 8;

export interface SealedText {
  readonly iv: Buffer;
  /** The ciphertext and after it the tag. */
  readonly sealed: Buffer;
}

/** A key that secrets are sealed with in the database. Printed, it shows its id alone. */
export class SealingKey {
  /** The first eight hex digits of the key's SHA-256. */
  readonly id: string;
  readonly #key: KeyObject;

  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) throw new RangeError(`a sealing key has ${KEY_BYTES} bytes`);
    this.id = createHash("sha256").update(bytes).digest("hex").slice(0, ID_CHARS);
    this.#key = createSecretKey(bytes);
  }

  /** `context` is not kept: whoever opens it must name it again. */
  seal(text: string, context: string): SealedText {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context));
    const hidden = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return { iv, sealed: Buffer.concat([hidden, cipher.getAuthTag()]) };
  }

  /** Null when it is not what this key sealed in this context. */
  open({ iv, sealed }: SealedText, context: string): string | null {
    if (iv.length !== IV_BYTES || sealed.length < TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, this.#key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]).toString("utf8");
    } catch {
      return null;
    }
  }
}

/** A key's text, as SECRETS_KEY takes it. */
export function newSealingKeyText(): string {
  return randomBytes(KEY_BYTES).toString("base64");
}

/** 32 bytes as base64, standard or url, or as 64 hex digits; null for anything else. */
export function parseSealingKey(text: string): SealingKey | null {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return new SealingKey(Buffer.from(text, "hex"));
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? new SealingKey(Buffer.from(text, "base64")) : null;
}

/** One or several keys, separated by commas or white space; `problem` gets what is wrong, and never a key's text. */
export function parseSealingKeys(text: string, problem: (message: string) => void): SealingKey[] {
  const keys: SealingKey[] = [];
  for (const [index, item] of text.split(/\s*[,\s]\s*/).entries()) {
    const key = parseSealingKey(item);
    if (key === null) problem(`key ${index + 1} is not 32 bytes in base64 (openssl rand -base64 32) or 64 hex digits`);
    else if (keys.some(({ id }) => id === key.id)) problem(`key ${index + 1} stands there twice`);
    else keys.push(key);
  }
  return keys;
}
