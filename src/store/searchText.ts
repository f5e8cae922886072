/** The texts that `q` is looked for in, and the trigrams by which those are passed by that do not hold it. */

/** So many trigrams of a long `q` are asked for: more keep out hardly any others. */
export const TRIGRAMS_ASKED_MAX = 32;

/** What `q` is looked for in. */
export function searchTextOf(id: string, name: string): string {
  return `${id}\n${name}`.toLowerCase();
}

/** What stands in texts where `q` fits, null when that is every text. */
export function wantedText(q: string | undefined): string | null {
  return q === undefined || q === "" ? null : q.toLowerCase();
}

/** Each three characters (code points) in a row, once. */
export function trigramsOf(text: string): string[] {
  const characters = Array.from(text);
  const trigrams = characters.slice(2).map((third, index) => `${characters[index]}${characters[index + 1]}${third}`);
  return [...new Set(trigrams)];
}

/** Those that lead to the texts that hold `q`, from all over it; null when it is too short to have any. */
export function trigramsAsked(q: string | undefined): string[] | null {
  const trigrams = trigramsOf(wantedText(q)?.toWellFormed() ?? "");
  if (trigrams.length === 0) return null;
  const every = Math.max(1, trigrams.length / TRIGRAMS_ASKED_MAX);
  return Array.from({ length: Math.min(trigrams.length, TRIGRAMS_ASKED_MAX) }, (_, index) => trigrams[Math.floor(index * every)] as string);
}
