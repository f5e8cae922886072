import { Fault } from "../../domain/fault";
import { hashToken } from "../../domain/token";
import type { TokenRecord, TokenStore } from "../../store/store";
import type { TokenForm } from "../../tokenMint";
import type { Caller } from "./bearers";
import type { KnownCallers } from "./knownCallers";
import { unauthorized } from "../problems";
import { createTokenLookups } from "./tokenLookups";
import { openTokenUses } from "./tokenUses";

/** A token that was revoked or edited on another node is out after this, counted from when it was looked up. */
const KNOWN_FOR_MS = 1000;
/** A database that takes longer than a look-up counts is asked once more. */
const LOOKS_MAX = 2;

export interface TokenHolders {
  /** Rejects with {@link Refusal} (401), `Fault` (unavailable). */
  holderOf(header: string, token: string, form: Exclude<TokenForm, "forged">): Promise<Caller>;
  changed(tokenId: string): void;
  stop(): Promise<void>;
}

export interface TokenHolderOptions {
  readonly tokens: Pick<TokenStore, "findTokens" | "touchToken">;
  readonly known: KnownCallers;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
}

/** Who holds the tokens that the store knows. */
export function openTokenHolders({ tokens, known, clock }: TokenHolderOptions): TokenHolders {
  const lookups = createTokenLookups((hashes) => tokens.findTokens(hashes), { absentForMs: KNOWN_FOR_MS, clock });
  const uses = openTokenUses(tokens);
  let edits = 0;

  return {
    async holderOf(header, token, form) {
      const hash = hashToken(token);
      for (let looks = 1; looks <= LOOKS_MAX; looks += 1) {
        const before = edits;
        const { record, beganAt } = await lookups.find(hash, form === "tagged" || known.wasValid(header));
        const now = Date.now();
        if (record === null || isOver(record, now)) {
          known.forget(header);
          throw unauthorized("The token is not valid.");
        }
        if (clock() - beganAt >= KNOWN_FOR_MS) continue;
        uses.note(record.id, now);
        const caller = callerBy(record);
        return edits === before
          ? known.remember(header, caller, { from: beganAt, forMs: KNOWN_FOR_MS, expiresAt: record.expiresAt })
          : caller;
      }
      throw new Fault("unavailable", "The token cannot be looked up in time; try again in a moment.");
    },
    changed(tokenId) {
      edits += 1;
      lookups.forget();
      known.forgetToken(tokenId);
    },
    stop: () => uses.stop(),
  };
}

function callerBy({ id, name, scopes, reach }: TokenRecord): Caller {
  return { kind: "token", id, name, scopes, reach };
}

function isOver({ expiresAt }: TokenRecord, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}
