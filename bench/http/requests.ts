/** What the generator sends: whole HTTP requests as text, in ASCII. */
import { reportText, SENT_LATER } from "../fleet";
import { ADMIN_TOKEN } from "./service";

export function requestOf(method: string, path: string, { body = "", type = "application/json" } = {}): string {
  const head = [
    `${method} ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    `authorization: Bearer ${ADMIN_TOKEN}`,
    "accept: application/json",
    ...(body === "" ? [] : [`content-type: ${type}`, `content-length: ${body.length}`]),
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** Pages of a list, each by another filter; every index leads once, some of them with others beside it. */
export const LIST_QUERIES = [
  "status=overheated&limit=50",
  "severity=critical&limit=50",
  "availability=offline&limit=50",
  "label=site:north&limit=50",
  "label=site:north&status=overheated&limit=50",
  "severity=critical&availability=online&limit=50",
  "limit=50",
] as const;

/** Texts that one sensor has, a few have, none has, all have, and many behind two thirds of all. */
export const SEARCH_QUERIES = [
  "q=sensor-777777&limit=50",
  "q=98765&limit=50",
  "q=nothing&limit=50",
  "q=9876543&limit=50",
  "q=sensor&limit=50",
  "q=sensor-7&limit=50",
] as const;

/** Filters that many sensors fit one by one, and none together. */
export const FRUITLESS_QUERIES = [
  "status=overheated&severity=ok&limit=50",
  "status=ok&severity=critical&limit=50",
  "severity=ok&status=overheated&availability=offline&label=site:north&limit=50",
] as const;

/** A report of 200 bytes with an id of its own. */
export function reportRequests(): string[] {
  return ["ok", "ok", "ok", "overheated"].map((status) => {
    const body = reportText({ status, value: 20.5, at: SENT_LATER, id: "m-{turn}" });
    return requestOf("POST", "/v1/sensors/sensor-{sensor}/reports", { body });
  });
}
