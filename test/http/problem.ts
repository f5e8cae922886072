import { expect } from "bun:test";
import type { Problem } from "../../src/http/problems";
import type { Answer } from "./api";

/** Expects a whole problem of RFC 9457 and gives it. */
export function expectProblem(answer: Answer, status: number): Problem {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: expect.any(String) });
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const problem = answer.json<Problem>();
  expect(problem).toEqual({
    type: expect.stringMatching(/^urn:tocsin:problem:[a-z-]+$/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    errors: expect.any(Array),
    requestId: answer.headers.get("x-request-id") as string,
  });
  if (status === 429 || status === 503) expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  return problem;
}

/** Expects a 422 and gives the pointers of its errors, sorted. */
export function pointersOf(answer: Answer): string[] {
  return expectProblem(answer, 422)
    .errors.map(({ pointer }) => pointer)
    .toSorted();
}
