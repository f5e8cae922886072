import type { TSchema } from "@sinclair/typebox";
import type { ValueError } from "@sinclair/typebox/value";
import type { FieldError } from "../domain/fault";
import { NOT_A_TIME, TIME_PATTERN } from "../domain/time";

/** So many are shown; a body of a MiB can hold many more. */
const ERRORS_SHOWN_MAX = 20;

interface Checked {
  readonly validator: unknown;
  readonly value: unknown;
}

interface Checker {
  Errors(value: unknown): Iterable<ValueError>;
}

/** What is wrong with a value, the first complaint for each field. */
export function fieldErrors({ validator, value }: Checked): FieldError[] {
  return fieldErrorsOf((validator as Checker).Errors(value));
}

export function fieldErrorsOf(errors: Iterable<ValueError>): FieldError[] {
  const found = new Map<string, string>();
  for (const error of flattened(errors)) {
    if (!found.has(error.path)) found.set(error.path, messageOf(error));
    if (found.size === ERRORS_SHOWN_MAX) break;
  }
  return [...found].map(([pointer, message]) => ({ pointer, message }));
}

function* flattened(errors: Iterable<ValueError>): Generator<ValueError> {
  for (const error of errors) {
    const inside = closest(error);
    if (inside === null) yield error;
    else yield* flattened(inside);
  }
}

/** Of "one of these", the complaints of the one that was meant: whose type fits, so that it complains of a field inside. */
function closest(error: ValueError): ValueError[] | null {
  for (const branch of error.errors) {
    const complaints = [...branch];
    if (complaints.length > 0 && complaints.every(({ path }) => path.length > error.path.length)) return complaints;
  }
  return null;
}

function messageOf({ schema, message }: ValueError): string {
  const branches = (schema["anyOf"] ?? []) as TSchema[];
  if ([schema, ...branches].some((each) => each["pattern"] === TIME_PATTERN)) return NOT_A_TIME;
  const choices = branches.flatMap(choicesOf);
  if (choices.length > 0 && choices.every((choice) => typeof choice === "string")) return `must be one of ${choices.join(", ")}`;
  return message;
}

/** Null beside choices is understood. */
function choicesOf({ const: choice, type, anyOf }: TSchema): unknown[] {
  if (type === "null") return [];
  return anyOf === undefined ? [choice] : (anyOf as TSchema[]).flatMap(choicesOf);
}
