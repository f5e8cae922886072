import type { TSchema } from "@sinclair/typebox";
import type { ValueError } from "@sinclair/typebox/value";
import type { FieldError } from "../domain/fault";
import { NOT_A_TIME, TIME_PATTERN } from "../domain/time";
import { fieldMessage } from "./fieldMessages";

/** So many are shown; a body of a MiB can hold many more. */
const ERRORS_SHOWN_MAX = 20;
/** Of what a value may be instead, so many complaints are looked at: to find all of them may take seconds. */
const COMPLAINTS_MAX = 64;

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

interface Branch {
  readonly schema: TSchema;
  readonly complaints: readonly ValueError[];
}

/** Of "one of these", the complaints of the one that was meant: the only one beside null, or the one that the value's type fits. */
function closest(error: ValueError): readonly ValueError[] | null {
  const branches = branchesOf(error.schema)
    .map((schema, index): Branch => ({ schema, complaints: firstOf(error.errors[index] ?? []) }))
    .filter(({ schema }) => schema["type"] !== "null");
  if (branches.length === 1) return branches[0]?.complaints ?? null;
  const fitting = branches.filter(({ schema }) => schema["const"] === undefined && fits(schema, error.value));
  if (fitting.length === 1) return fitting[0]?.complaints ?? null;
  return fitting.find(({ complaints }) => !complaints.some(isOfTag))?.complaints ?? tagComplaint(fitting);
}

function firstOf(complaints: Iterable<ValueError>): readonly ValueError[] {
  const first: ValueError[] = [];
  for (const complaint of complaints) if (first.push(complaint) === COMPLAINTS_MAX) break;
  return first;
}

function fits({ type }: TSchema, value: unknown): boolean {
  if (Array.isArray(value)) return type === "array";
  if (typeof value === "number") return type === "number" || type === "integer";
  return value !== null && typeof value === type;
}

/** What tells objects apart: a member that each of them has in a spelling of its own. */
function isOfTag({ schema }: ValueError): boolean {
  return schema["const"] !== undefined;
}

function tagComplaint(branches: readonly Branch[]): readonly ValueError[] | null {
  const complaints = branches.flatMap((branch) => branch.complaints.filter(isOfTag));
  const [first] = complaints;
  return first === undefined ? null : [{ ...first, schema: { ...first.schema, anyOf: complaints.map(({ schema }) => schema) } }];
}

function branchesOf(schema: TSchema): readonly TSchema[] {
  return (schema["anyOf"] ?? []) as readonly TSchema[];
}

function messageOf(error: ValueError): string {
  const { schema, value } = error;
  if (value === undefined) return "is missing";
  const branches = branchesOf(schema);
  if ([schema, ...branches].some((each) => each["pattern"] === TIME_PATTERN)) return NOT_A_TIME;
  const choices = branches.flatMap(choicesOf);
  if (choices.length > 0 && choices.every((choice) => typeof choice === "string")) return `must be one of ${choices.join(", ")}`;
  const types = branches.map(({ type }) => type as unknown);
  return types.length > 0 && types.every((type) => typeof type === "string") ? `must be one of ${types.join(", ")}` : fieldMessage(error);
}

/** Null beside choices is understood. */
function choicesOf({ const: choice, type, anyOf }: TSchema): unknown[] {
  if (type === "null") return [];
  return anyOf === undefined ? [choice] : (anyOf as TSchema[]).flatMap(choicesOf);
}
