/** Words that name nothing. A drawer with such a label fills up with everything. */
const BANNED = new Set(["util", "utils", "helper", "helpers", "common", "impl", "manager"]);

/** The banned word in an identifier or a path, or null. Words are told apart by capitals and punctuation. */
export function bannedWord(name: string): string | null {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").split(/[^A-Za-z0-9]+/);
  return words.find((word) => BANNED.has(word.toLowerCase())) ?? null;
}
