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
      description:
        'The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts.',
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
/** Each is tried by itself. */
const IF_MATCH_TAGS_MAX = 16;

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

interface Tag {
  readonly weak: boolean;
  /** With its quotation marks. */
  readonly text: string;
}

/** Blanks are matched in one place for each tag: in two they would be shared out between them in every way that there is. */
const TAG = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y;

/** One at least; null for what is no list of them. A comma may stand in a tag, and nothing between two commas. */
function tagsIn(list: string): readonly Tag[] | null {
  const tags: Tag[] = [];
  for (TAG.lastIndex = 0; TAG.lastIndex < list.length;) {
    const tag = TAG.exec(list);
    if (tag === null) return null;
    if (tag[2] !== undefined) tags.push({ weak: tag[1] !== undefined, text: tag[2] });
  }
  return tags.length === 0 ? null : tags;
}

/** Weak tags are compared by what they say. */
function isAmong(etag: string, list: string): boolean {
  if (list.trim() === "*") return true;
  const tags = tagsIn(list);
  if (tags !== null) return tags.some(({ text }) => text === etag);
  throw invalid("If-None-Match is not valid.", [{ pointer: "/if-none-match", message: 'must be entity tags such as "3", or *' }]);
}

/**
 * Makes an edit on the version that `If-Match` wants to find, null for any; of several, on the first that is there. Throws a 422 for what
 * is no list of entity tags; one that can never match is the edit's own 412, if it does not fail in another way, with the reason.
 */
export async function onVersion<Edited>(
  ifMatch: string | undefined,
  edit: (expectedVersion: number | null) => Promise<Edited>,
): Promise<Edited> {
  if (ifMatch === undefined || isAny(ifMatch)) return edit(null);
  const tags = wantedTags(ifMatch);
  // An edit in between makes a later version, which may be wanted, too.
  const versions = [...new Set(tags.map(versionOf))].toSorted((a, b) => a - b);
  const wanted = versions.filter((version) => version !== NEVER);
  for (const version of wanted.slice(0, -1)) {
    try {
      return await edit(version);
    } catch (error) {
      if (!isFault(error, "preconditionFailed")) throw error;
    }
  }
  const last = wanted.at(-1);
  if (last !== undefined) return edit(last);
  try {
    return await edit(NEVER);
  } catch (error) {
    if (!isFault(error, "preconditionFailed")) throw error;
    const reason = tags.some(({ weak }) => weak) ? "a weak tag never matches" : "no version ever had this tag";
    throw new Fault("preconditionFailed", `If-Match: ${reason}; send back the ETag as it came, such as "3".`);
  }
}

function wantedTags(ifMatch: string): readonly Tag[] {
  const tags = tagsIn(ifMatch);
  if (tags !== null && tags.length <= IF_MATCH_TAGS_MAX) return tags;
  const message = tags === null ? 'must be entity tags such as "3", or *' : `may name ${IF_MATCH_TAGS_MAX} entity tags at most`;
  throw invalid("If-Match is not valid.", [{ pointer: "/if-match", message }]);
}

/** A tag that is well formed may be none of ours; a weak one never matches. */
function versionOf({ weak, text }: Tag): number {
  const version = weak ? undefined : /^"([1-9]\d{0,14})(?:\.[0-9a-z-]+)?"$/.exec(text)?.[1];
  return version === undefined ? NEVER : Number(version);
}

/** Whether a condition is `*`: any that is there. */
export function isAny(condition: string | undefined): boolean {
  return condition?.trim() === "*";
}
