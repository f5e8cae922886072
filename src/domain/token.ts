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
const TOKEN = new RegExp(`^${TOKEN_PREFIX}[A-Za-z0-9_-]{43}$`);

/** Whether a text can be one of ours at all. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** SHA-256, hex. A token has 192 random bits or more, so a slow hash would protect nothing. */
export function hashToken(token: string): string {
  return new Bun.CryptoHasher("sha256").update(token).digest("hex");
}

/** What a token may do that is limited to some sensors: all else speaks of others, too. */
export const SCOPES_WITHIN_REACH: readonly Scope[] = ["sensors:read", "sensors:write", "reports:write"];

/** Whether a token with these scopes may do what `wanted` names. */
export function allows(scopes: readonly string[], wanted: Scope): boolean {
  return scopes.includes("admin") || scopes.includes(wanted);
}
