import { expect, test } from "bun:test";
import { HEADER_VALUE_CHARS_MAX, headerProblem, isReservedHeader } from "../../src/domain/requestHeaders";

test.each([
  ["X-Tenant", "north"],
  ["Authorization", "Token abc=="],
  ["x", "a b\tc"],
  ["cookie", "a=b; c=d"],
])("%s may be set", (name, value) => {
  expect(headerProblem(name, value)).toBeNull();
});

test.each([
  "Host",
  "CONTENT-LENGTH",
  "content-type",
  "Connection",
  "transfer-encoding",
  "Webhook-Id",
  "webhook-anything",
  "CE-Id",
  "proxy-authorization",
])("%s belongs to the request itself", (name) => {
  expect(isReservedHeader(name)).toBe(true);
  expect(headerProblem(name, "x")).toStartWith("must not set");
});

test.each(["", "two words", "colon:", "näme", "line\nbreak", "x".repeat(101)])("%p is no header's name", (name) => {
  expect(headerProblem(name, "x")).toStartWith("must have a name");
});

test.each(["", " x", "x ", "s3cret\r\nwebhook-id: forged", "s3cret\0", "s3crét", "s3cret".repeat(HEADER_VALUE_CHARS_MAX)])(
  "a header's value that cannot be sent is refused, and not repeated",
  (value) => {
    expect(headerProblem("x-key", value)).toStartWith("must ");
    expect(headerProblem("x-key", value)).not.toContain("s3cr");
  },
);
