export const SCOPES = [
  "sensors:read",
  "sensors:write",
  "reports:write",
  "webhooks:read",
  "webhooks:write",
  "deliveries:write",
  "admin",
] as const;
/** What a token may do; `admin` may do everything. */
export type Scope = (typeof SCOPES)[number];

export const TOKEN_PREFIX = "tcs_";
const TOKEN_BYTES = 32;

/** A new token: `tcs_` and 32 random bytes in base64url. It is shown once; what is kept is its hash. */
export function mintToken(): string {
  return `${TOKEN_PREFIX}${Buffer.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))).toString("base64url")}`;
}

/** SHA-256, hex. A token has 256 random bits, so a slow hash would protect nothing. */
export function hashToken(token: string): string {
  return new Bun.CryptoHasher("sha256").update(token).digest("hex");
}

/** Whether a token with these scopes may do what `wanted` names. */
export function allows(scopes: readonly string[], wanted: Scope): boolean {
  return scopes.includes("admin") || scopes.includes(wanted);
}
