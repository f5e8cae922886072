/** What a step of a run is drawn from: one operation, called as the document says, and perhaps damaged. */
import fc from "fast-check";
import type { Described, MediaType, OpenapiDocument, Parameter } from "../document";
import type { Body, Damage } from "./request";
import { damages } from "./request";
import { someOf, valueOf } from "./values";

/** Who asks. `exact` has the scopes that the operation names and no other, `others` all but those; `made` is a token that an answer gave. */
export type Credential = "admin" | "exact" | "others" | "made" | "none" | "garbage";

export interface Step {
  readonly described: Described;
  /** By the names of parameters. */
  readonly given: Readonly<Record<string, Given>>;
  readonly body: { readonly type: string; readonly body: Body } | null;
  readonly credential: Credential;
  readonly damages: readonly Damage[];
  readonly asHead: boolean;
}

/** A parameter's value; one that an answer told of goes before it where there is one and `known` is not null. */
export interface Given {
  readonly value: unknown;
  readonly known: number | null;
}

/** Of good steps of one operation. */
export function goodSteps(described: Described, document: OpenapiDocument): fc.Arbitrary<Step> {
  return stepOf(described, document, { credential: fc.constant("admin"), damaged: fc.constant([]) });
}

/** Any step of any operation. */
export function anySteps(operations: readonly Described[], document: OpenapiDocument): fc.Arbitrary<Step> {
  return fc.oneof(
    ...operations.map((described) => {
      const names = (described.operation.parameters ?? []).filter(({ in: place }) => place === "query").map(({ name }) => name);
      const damage = fc.array(damages(names), { minLength: 1, maxLength: 2 });
      const damaged = fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: damage });
      return stepOf(described, document, { credential: CREDENTIALS, damaged });
    }),
  );
}

const CREDENTIALS: fc.Arbitrary<Credential> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Credential>("admin") },
  { weight: 3, arbitrary: fc.constant<Credential>("exact") },
  { weight: 1, arbitrary: fc.constantFrom<Credential>("others", "none", "garbage") },
  { weight: 1, arbitrary: fc.constant<Credential>("made") },
);

interface Choices {
  readonly credential: fc.Arbitrary<Credential>;
  readonly damaged: fc.Arbitrary<readonly Damage[]>;
}

function stepOf(described: Described, document: OpenapiDocument, { credential, damaged }: Choices): fc.Arbitrary<Step> {
  const { parameters = [], requestBody } = described.operation;
  const required = parameters.filter((parameter) => parameter.required).map(({ name }) => name);
  const given = someOf(Object.fromEntries(parameters.map((parameter) => [parameter.name, givenOf(parameter, document)])), required);
  const body = requestBody === undefined ? fc.constant(null) : bodyOf(requestBody.content, document);
  const asHead = described.method === "GET" ? fc.nat(9).map((roll) => roll === 0) : fc.constant(false);
  const step = fc.record({ described: fc.constant(described), given, body, credential, damages: damaged, asHead });
  // What is wrong is told by the request as it was sent; here the names are enough.
  return step.map((drawn) => Object.defineProperty(drawn, fc.toStringMethod, { value: () => described.operation.operationId }));
}

function givenOf({ schema, example }: Parameter, document: OpenapiDocument): fc.Arbitrary<Given> {
  const made = valueOf(schema, document);
  const value = example === undefined ? made : fc.oneof({ weight: 3, arbitrary: made }, { weight: 1, arbitrary: fc.constant(example) });
  const known = fc.oneof({ weight: 7, arbitrary: fc.nat(100) }, { weight: 1, arbitrary: fc.constant(null) });
  return fc.record({ value, known });
}

const LINE_TYPES = ["application/x-ndjson", "application/jsonl"];

function bodyOf(content: Readonly<Record<string, MediaType>>, document: OpenapiDocument): fc.Arbitrary<{ type: string; body: Body }> {
  return fc.oneof(
    ...Object.entries(content).map(([type, { schema }]) => {
      const made = valueOf(schema, document);
      if (!LINE_TYPES.includes(type)) return made.map((json) => ({ type, body: { kind: "json" as const, value: json } }));
      return fc.array(made, { minLength: 1, maxLength: 5 }).map((values) => ({ type, body: { kind: "lines" as const, values } }));
    }),
  );
}
