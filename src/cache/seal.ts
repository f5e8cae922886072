import { timingSafeEqual } from "node:crypto";
import { ORDER_CHARS } from "./order";

/** What of a sensor an entry holds: what the registry keeps, or its state as it was last written. */
export type Register = "registry" | "state";

export interface Entry {
  /** See order.ts. */
  readonly order: string;
  /** By the database's clock: it was true then. */
  readonly vouchedAt: number;
  /** JSON. */
  readonly content: string;
}

export interface Seal {
  close(register: Register, id: string, entry: Entry): string;
  /** Null for what no node of ours wrote of this sensor. */
  open(register: Register, id: string, text: string): Entry | null;
}

const TIME_DIGITS = 16;
/** Of SHA-256, in base64url: 132 bits. */
const MAC_CHARS = 22;
const MARK = "V";
const ORDER_AT = MARK.length;
const TIME_AT = ORDER_AT + ORDER_CHARS;
const MAC_AT = TIME_AT + TIME_DIGITS;
const CONTENT_AT = MAC_AT + MAC_CHARS;

/** Entries that only who knows the secret can make, each for one register of one sensor. The order stands where scripts find it. */
export function createSeal(secret: string): Seal {
  const macOf = (register: Register, id: string, { order, vouchedAt, content }: Entry): string =>
    new Bun.CryptoHasher("sha256", secret)
      .update(`${register}\n${id}\n${order}\n${vouchedAt}\n${content}`)
      .digest("base64url")
      .slice(0, MAC_CHARS);
  return {
    close(register, id, entry) {
      const time = String(entry.vouchedAt).padStart(TIME_DIGITS, "0");
      return MARK + entry.order + time + macOf(register, id, entry) + entry.content;
    },
    open(register, id, text) {
      if (!text.startsWith(MARK) || text.length < CONTENT_AT) return null;
      const entry = {
        order: text.slice(ORDER_AT, TIME_AT),
        vouchedAt: Number(text.slice(TIME_AT, MAC_AT)),
        content: text.slice(CONTENT_AT),
      };
      const [given, wanted] = [Buffer.from(text.slice(MAC_AT, CONTENT_AT)), Buffer.from(macOf(register, id, entry))];
      return given.length === wanted.length && timingSafeEqual(given, wanted) ? entry : null;
    },
  };
}
