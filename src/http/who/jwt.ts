/** JSON Web Tokens of an issuer that publishes its keys (RFC 7519, 7517; docs/auth.md). */
import { errors, type JWTPayload, jwtVerify } from "jose";
import { Fault, isFault } from "../../domain/fault";
import { SCOPES } from "../../domain/token";
import type { JwtConfig } from "../../edgeConfig";
import type { Caller } from "./bearers";
import { TEXT_PATTERN } from "../fields";
import { createKeySet, type KeySetOptions } from "./keySet";
import { unauthorized } from "../problems";

/** Signed with a key that the issuer alone has: none that whoever knows the public one could sign with. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
/** How far the issuer's clock and ours may be apart. */
const CLOCK_TOLERANCE_SECONDS = 10;
const TOKEN_CHARS_MAX = 8192;
const SUBJECT = new RegExp(TEXT_PATTERN);
const SUBJECT_CHARS_MAX = 255;
/** Checks that run at once, each of another token: so many of tokens that were valid here before, and as many of all others. */
const CHECKS_MAX = 256;

export interface Verified {
  readonly caller: Caller;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface JwtVerifier {
  /**
   * Rejects with {@link Refusal} (401) for a token that does not count, `Fault` (unavailable) where that cannot be known. `wasValid`: those
   * are never kept out by the others, whose unknown keys may have to be waited for.
   */
  verify(token: string, wasValid: boolean): Promise<Verified>;
}

export function createJwtVerifier(config: JwtConfig, means: Omit<KeySetOptions, "url">): JwtVerifier {
  const { jwksUrl, issuer, audience, scopeClaim } = config;
  const keyOf = createKeySet({ url: jwksUrl, ...means });
  const lanes = { known: new Map<string, Promise<Verified>>(), strange: new Map<string, Promise<Verified>>() };
  const demanded = {
    issuer,
    audience,
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ["exp", "sub"],
  };

  async function check(token: string, lane: Map<string, unknown>): Promise<Verified> {
    try {
      const { payload } = await jwtVerify(token, keyOf, demanded);
      return verifiedBy(payload, scopeClaim);
    } catch (error) {
      if (isFault(error)) throw error;
      throw unauthorized(complaintOf(error));
    } finally {
      lane.delete(token);
    }
  }

  return {
    async verify(token, wasValid) {
      const lane = wasValid ? lanes.known : lanes.strange;
      const joined = lane.get(token);
      if (joined !== undefined) return joined;
      if (token.length > TOKEN_CHARS_MAX) throw unauthorized(`A JSON Web Token may have at most ${TOKEN_CHARS_MAX} characters.`);
      if (lane.size >= CHECKS_MAX) throw new Fault("unavailable", "Too many tokens are being checked; try again in a moment.");
      const checked = check(token, lane);
      lane.set(token, checked);
      return checked;
    },
  };
}

function verifiedBy(payload: JWTPayload, scopeClaim: string): Verified {
  const { iss = "", exp = 0 } = payload;
  const sub: unknown = payload.sub;
  // jose demands that it is there, and not that it is a text.
  if (typeof sub !== "string" || sub === "" || sub.length > SUBJECT_CHARS_MAX || !SUBJECT.test(sub)) throw new NoSubject();
  const caller: Caller = { kind: "jwt", id: `${sub}@${iss}`, name: sub, scopes: scopesIn(payload[scopeClaim]), reach: null };
  return { caller, expiresAt: (exp + CLOCK_TOLERANCE_SECONDS) * 1000 };
}

/** Of what the issuer grants, what means something here. */
function scopesIn(claim: unknown): string[] {
  const granted: readonly unknown[] = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim : [];
  return SCOPES.filter((scope) => granted.includes(scope));
}

class NoSubject extends Error {}

/** What a token says is told only of one that is signed rightly: jose looks at the signature first. */
function complaintOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "The token has expired.";
  if (error instanceof errors.JWTClaimValidationFailed) return `The token is not meant for here: its \`${error.claim}\` does not fit.`;
  if (error instanceof NoSubject) return `The token names no subject (\`sub\`) of 1 to ${SUBJECT_CHARS_MAX} characters.`;
  return "The token is not valid.";
}
