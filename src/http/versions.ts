/** Edits name the version that they were made on: `ETag` and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1). */
import { Type } from "@sinclair/typebox";
import { Fault, isFault } from "../domain/fault";
import { invalid } from "./problems";

export const IfMatch = Type.Object({
  "if-match": Type.Optional(
    Type.String({ description: 'The `ETag` that the edit was made on, as `"3"`; `*` for any.', examples: ['"3"'] }),
  ),
});

export const ETAG_HEADER = { etag: 'The version, as `"3"`; send it back as `If-Match`.' };

/** Stands for a tag that no version can have. */
const NEVER = -1;

export function etagOf(version: number): string {
  return `"${version}"`;
}

/**
 * Makes an edit on the version that `If-Match` wants to find, null for any. Throws a 422 for what is no entity tag; one that can never
 * match is the edit's own 412, if it does not fail in another way, with the reason.
 */
export async function onVersion<Edited>(
  ifMatch: string | undefined,
  edit: (expectedVersion: number | null) => Promise<Edited>,
): Promise<Edited> {
  const wanted = wantedVersion(ifMatch);
  try {
    return await edit(wanted);
  } catch (error) {
    if (wanted !== NEVER || !isFault(error, "preconditionFailed")) throw error;
    const reason = ifMatch?.trim().startsWith("W/") ? "a weak tag never matches" : "no version ever had this tag";
    throw new Fault("preconditionFailed", `If-Match: ${reason}; send back the ETag as it came, such as "3".`);
  }
}

function wantedVersion(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === "*") return null;
  const tag = ifMatch.trim();
  const version = /^"([1-9]\d{0,14})"$/.exec(tag)?.[1];
  if (version !== undefined) return Number(version);
  // Well formed, but none of ours; a weak tag never matches.
  if (/^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag)) return NEVER;
  throw invalid("If-Match is not valid.", [{ pointer: "/if-match", message: 'must be one entity tag such as "3", or *' }]);
}
