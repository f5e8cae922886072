/**
 * Edits name the version that they were made on, and who reads again names what it has: `ETag`, `If-Match` and `If-None-Match` (RFC 9110,
 * sections 8.8.3, 13.1.1 and 13.1.2). A tag is a version, perhaps with a dot and what else moves when the thing itself does.
 */
import { Type } from "@sinclair/typebox";
import { Fault, isFault } from "../domain/fault";
import { invalid } from "./problems";

export const IF_MATCH = {
  "if-match": Type.Optional(
    Type.String({
      description: 'The `ETag` of the version to edit, as `"3"`; `*` for any. Only the version in it counts.',
      examples: ['"3"'],
    }),
  ),
};
export const IfMatch = Type.Object(IF_MATCH);

export const IfNoneMatch = Type.Object({
  "if-none-match": Type.Optional(
    Type.String({ description: 'The `ETag`s of the copies that you have, as `"3", "4"`; `*` for anything.', examples: ['"3"'] }),
  ),
});

export const ETAG_HEADER = { etag: 'The version, as `"3"`; send it back as `If-Match` or `If-None-Match`.' };

/** For `answers` of a GET that takes {@link IfNoneMatch}. */
export const NOT_MODIFIED = { 304: { description: "It is what `If-None-Match` names.", headers: ETAG_HEADER } };

/** Stands for a tag that no version can have. */
const NEVER = -1;

export function etagOf(version: number): string {
  return `"${version}"`;
}

/** The answer to a GET of what who asks has at hand; null where that is another, or is not said. Throws a 422 for what is no list of tags. */
export function notModified(
  { "if-none-match": known }: { readonly "if-none-match"?: string | undefined },
  etagNow: () => string,
): Response | null {
  if (known === undefined) return null;
  const etag = etagNow();
  return isAmong(etag, known) ? new Response(null, { status: 304, headers: { etag } }) : null;
}

/** Blanks are matched in one place for each tag: in two they would be shared out between them in every way that there is. */
const TAG = /[ \t]*(?:(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y;

/** Weak tags are compared by what they say. A comma may stand in a tag, and nothing between two commas. */
function isAmong(etag: string, list: string): boolean {
  if (list.trim() === "*") return true;
  let found = false;
  let tags = 0;
  for (TAG.lastIndex = 0; TAG.lastIndex < list.length;) {
    const tag = TAG.exec(list);
    if (tag === null) throw notTags();
    if (tag[1] !== undefined) tags += 1;
    found ||= tag[1] === etag;
  }
  if (tags === 0) throw notTags();
  return found;
}

function notTags() {
  return invalid("If-None-Match is not valid.", [{ pointer: "/if-none-match", message: 'must be entity tags such as "3", or *' }]);
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
  if (ifMatch === undefined || isAny(ifMatch)) return null;
  const tag = ifMatch.trim();
  const version = /^"([1-9]\d{0,14})(?:\.[0-9a-z-]+)?"$/.exec(tag)?.[1];
  if (version !== undefined) return Number(version);
  // Well formed, but none of ours; a weak tag never matches.
  if (/^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag)) return NEVER;
  throw invalid("If-Match is not valid.", [{ pointer: "/if-match", message: 'must be one entity tag such as "3", or *' }]);
}

/** Whether a condition is `*`: any that is there. */
export function isAny(condition: string | undefined): boolean {
  return condition?.trim() === "*";
}
