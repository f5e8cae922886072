import { Type } from "@sinclair/typebox";
import { LABEL_KEY_PATTERN, LABELS_MAX } from "../domain/sensor";
import { TEXT_PATTERN } from "./fields";
import { invalid } from "./problems";

// To TypeBox anything, because Elysia would split the values of a list at commas; `labelsOf` checks them.
export const LabelFilter = Type.Optional(
  Type.Unsafe<string[]>(
    Type.Unknown({
      type: "array",
      items: { type: "string" },
      maxItems: LABELS_MAX,
      description: "`site:north`; may repeat, all must hold.",
    }),
  ),
);

const LABEL = new RegExp(`${LABEL_KEY_PATTERN.slice(0, -1)}:`);
const TEXT = new RegExp(TEXT_PATTERN);

/** Throws a 422. */
export function labelsOf(given: readonly string[] | undefined): { labels?: Record<string, string> } {
  if (given === undefined) return {};
  if (given.length > LABELS_MAX) throw wrongLabel(`may be given at most ${LABELS_MAX} times`);
  const labels = new Map<string, string>();
  for (const text of given) {
    const colon = text.indexOf(":");
    const [key, value] = [text.slice(0, colon), text.slice(colon + 1)];
    if (!LABEL.test(text) || !TEXT.test(value)) throw wrongLabel("must be a key and a value, such as site:north");
    if ((labels.get(key) ?? value) !== value) throw wrongLabel(`asks for two values of ${key}, and a sensor has one`);
    labels.set(key, value);
  }
  return { labels: Object.fromEntries(labels) };
}

function wrongLabel(message: string) {
  return invalid("The query is not valid.", [{ pointer: "/label", message }]);
}
