import { randomBytes } from "node:crypto";
import type { Reach } from "../../src/domain/reach";
import { hashToken, type Scope } from "../../src/domain/token";
import type { TestApi } from "./api";
import { untaggedToken } from "./untaggedToken";

/** A token that is limited to some sensors. */
export async function limitedToken(api: TestApi, scopes: readonly Scope[], reach: Reach): Promise<string> {
  const token = untaggedToken();
  await api.store.createToken({
    id: `tok_${randomBytes(8).toString("hex")}`,
    name: "limited",
    hash: hashToken(token),
    scopes,
    reach,
    expiresAt: null,
  });
  return token;
}
