import type { TSchema } from "@sinclair/typebox";
import { type ValueError, ValueErrorType } from "@sinclair/typebox/value";
import { TOO_LARGE } from "../domain/overflow";
import { TEXT_PATTERN } from "./fields";

type Message = (schema: TSchema) => string;

/** In the words of all other errors: what a field must be, not what was expected. */
const MESSAGES: Partial<Record<ValueErrorType, Message>> = {
  [ValueErrorType.Array]: () => "must be an array",
  [ValueErrorType.ArrayMaxItems]: ({ maxItems }) => `must have at most ${counted(maxItems, "item")}`,
  [ValueErrorType.ArrayMinItems]: ({ minItems }) => `must have at least ${counted(minItems, "item")}`,
  [ValueErrorType.ArrayUniqueItems]: () => "must not contain duplicates",
  [ValueErrorType.Boolean]: () => "must be true or false",
  [ValueErrorType.Integer]: () => "must be an integer",
  [ValueErrorType.IntegerMaximum]: atMost,
  [ValueErrorType.IntegerMinimum]: atLeast,
  [ValueErrorType.Literal]: ({ const: only }) => `must be ${JSON.stringify(only)}`,
  [ValueErrorType.Number]: () => "must be a number",
  [ValueErrorType.NumberMaximum]: atMost,
  [ValueErrorType.NumberMinimum]: atLeast,
  [ValueErrorType.Object]: () => "must be an object",
  [ValueErrorType.ObjectAdditionalProperties]: unknownField,
  [ValueErrorType.ObjectMaxProperties]: ({ maxProperties }) => `must have at most ${counted(maxProperties, "field")}`,
  [ValueErrorType.String]: () => "must be a string",
  [ValueErrorType.StringMaxLength]: ({ maxLength }) => `must have at most ${counted(maxLength, "character")}`,
  [ValueErrorType.StringMinLength]: ({ minLength }) => `must have at least ${counted(minLength, "character")}`,
  [ValueErrorType.StringPattern]: ({ pattern }) =>
    pattern === TEXT_PATTERN
      ? "contains a character that is not allowed (U+0000 or an unpaired surrogate)"
      : `must match ${String(pattern)}`,
};

export function fieldMessage({ type, schema, message, value }: ValueError): string {
  if (typeof value === "number" && !Number.isFinite(value)) return TOO_LARGE;
  return MESSAGES[type]?.(schema) ?? message;
}

function atLeast({ minimum }: TSchema): string {
  return `must be at least ${String(minimum)}`;
}

function atMost({ maximum }: TSchema): string {
  return `must be at most ${String(maximum)}`;
}

function counted(count: unknown, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Where any name can stand that fits a pattern, it is the name that is wrong. */
function unknownField(schema: TSchema): string {
  const [pattern] = Object.keys((schema["patternProperties"] ?? {}) as object);
  return pattern === undefined ? "is not a known field" : `has a name that does not match ${pattern}`;
}
