import type { IdempotentBeginning } from "./store";

interface Row {
  readonly fingerprint: string;
  readonly begunAt: number;
  readonly status: number | null;
  readonly answer: string | null;
}

/** What a request finds under its key. */
export function beginningOf({ fingerprint, begunAt, status, answer }: Row, wanted: string): IdempotentBeginning {
  if (fingerprint !== wanted) return { kind: "other" };
  return status === null || answer === null ? { kind: "running", begunAt } : { kind: "ended", status, answer };
}
