import type { TSchema } from "@sinclair/typebox";
import type { Scope } from "../../domain/token";
import type { ProblemStatus } from "../problems";
import { type Answer, contentOf, problemOf, responseOf } from "./responses";

/** A body is at most so long; where an operation takes less, it says so. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** The parts of the API, in the order of the reference page. */
export const TAGS = {
  Sensors: "Who reports, and the state of each.",
  Reports: "What sensors reported.",
  Changes: "Differences in status, severity or availability, numbered per sensor without gaps.",
  Webhooks: "Who is notified of changes.",
  Deliveries: "One change owed to one webhook, and every try.",
  "Dead letters": "Messages that could not become a report.",
  Catalogue: "The severity of a status when the report does not give one.",
  Access: "Tokens, what they allow, and who edited what.",
  Operations: "Probes, metrics and incidents.",
} as const;

/** Marks an `Idempotency-Key` under which no answer is kept, because it is a part of what is sent. */
export const NAMES_BODY = "x-names-body";

export interface OperationWish {
  readonly id: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  /** Null for whoever asks. */
  readonly scope: Scope | null;
  readonly takesBody?: boolean;
  /** The body is read as it comes, by the operation itself; schemas by content types. */
  readonly streams?: Readonly<Record<string, TSchema>>;
  readonly bodyBytesMax?: number;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Which problems can come beside those that any such operation may answer with. */
  readonly problems?: readonly ProblemStatus[];
}

/** What stands in the document, and what the gate reads of it: the scope is the role that `security` names. */
export interface OperationDetail {
  readonly operationId: string;
  readonly tags: string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: { readonly bearer: string[] }[];
  readonly responses: Record<string, { description: string }>;
  readonly hide?: boolean;
  /** Only of a body that is streamed; any other is declared by its schema. */
  readonly requestBody?: { readonly required: true; readonly content: Record<string, { schema: TSchema }> };
  readonly "x-body-bytes-max"?: number;
}

/** Declares an operation for Elysia's `detail`. Answers are not checked as they leave: tests compare them with the document. */
export function operation(wish: OperationWish): { detail: OperationDetail } {
  const { id, tag, summary, scope, streams, takesBody = streams !== undefined, answers, problems = [] } = wish;
  const description = [wish.description, scope === null ? undefined : `Needs the scope \`${scope}\`.`].filter(Boolean).join("\n\n");
  const statuses = new Set<ProblemStatus>([...problems, ...problemsOfAll(scope, takesBody)]);
  const responses: OperationDetail["responses"] = {};
  for (const [status, answer] of Object.entries(answers)) responses[status] = responseOf(answer);
  for (const status of [...statuses].toSorted((a, b) => a - b)) responses[status] = problemOf(status);
  return {
    detail: {
      operationId: id,
      tags: [tag],
      summary,
      ...(description === "" ? {} : { description }),
      security: scope === null ? [] : [{ bearer: [scope] }],
      responses,
      ...(streams === undefined ? {} : { requestBody: { required: true, content: contentOf(streams) } }),
      ...(takesBody ? { "x-body-bytes-max": wish.bodyBytesMax ?? BODY_BYTES_MAX } : {}),
    },
  };
}

/** A file of the reference page: served to whoever asks, and not in the document. */
export const HIDDEN: { detail: OperationDetail } = {
  detail: { operationId: "", tags: [], summary: "", security: [], responses: {}, hide: true },
};

function problemsOfAll(scope: Scope | null, takesBody: boolean): ProblemStatus[] {
  const guarded: ProblemStatus[] = scope === null ? [414] : [401, 403, 414, 422, 429, 503];
  return takesBody ? [...guarded, 400, 408, 413, 415, 500] : [...guarded, 500];
}
