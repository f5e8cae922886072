/** `Prefer: return=minimal` (RFC 7240): whoever does not need what an edit made of a thing is not sent it. */
import { Type } from "@sinclair/typebox";

export const PREFER = {
  prefer: Type.Optional(
    Type.String({ description: "`return=minimal` leaves the body of the answer out (RFC 7240).", examples: ["return=minimal"] }),
  ),
};
export const Prefer = Type.Object(PREFER);

const APPLIED = { "preference-applied": "return=minimal" };

/** For `answers`: an edit whose representation was not wanted; `headers` are those that come with one. */
export function doneWithoutBody(headers: Readonly<Record<string, string>>) {
  const description = "Done; without a body, as `Prefer: return=minimal` asked for.";
  return { 204: { description, headers: { ...headers, "preference-applied": "`return=minimal`" } } };
}

/** For descriptions of a 201. */
export const NO_BODY_WHEN_MINIMAL = "Without a body where `Prefer: return=minimal` asked for that, which `Preference-Applied` says then.";

/** What is set of an answer so far. */
interface AnswerSet {
  readonly status?: number | string;
  readonly headers: Readonly<Record<string, string | number>>;
}

/** The representation, or an answer without a body where that was preferred: 201 stays 201, anything else is 204. */
export function preferred<View>(prefer: string | undefined, set: AnswerSet, view: View): View | Response {
  if (!wantsMinimal(prefer)) return view;
  const headers = Object.entries({ ...set.headers, ...APPLIED }).map(([name, value]) => [name, String(value)] as [string, string]);
  return new Response(null, { status: set.status === 201 ? 201 : 204, headers });
}

/** The members of a list: commas within quotes belong to a value. One that is not closed goes on to the end, so that nothing is read twice. */
const MEMBER = /(?:"(?:[^"\\]|\\.?)*(?:"|$)|[^",])+/g;

/** Of a preference that is named more than once the first counts. What is not understood is ignored, as the standard has it. */
export function wantsMinimal(prefer: string | null | undefined): boolean {
  for (const [member] of (prefer ?? "").matchAll(MEMBER)) {
    const [preference = ""] = member.split(";", 1);
    const [name = "", value = ""] = preference.split("=").map((part) => part.trim().toLowerCase());
    if (name === "return") return value === "minimal" || value === '"minimal"';
  }
  return false;
}
