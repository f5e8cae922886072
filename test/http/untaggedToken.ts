import { randomBytes } from "node:crypto";

/** As tokens were made before they had tags: 32 random bytes. Those that are kept stay valid. */
export function untaggedToken(): string {
  return `tcs_${randomBytes(32).toString("base64url")}`;
}
