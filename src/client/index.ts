/** The client of Tocsin's API: for Node, Bun and browsers, without dependencies. */
export { createClient, type Tocsin } from "./client";
export type { LiveEvent, LiveOptions } from "./live";
export { TocsinProblem } from "./problem";
export type { ReportResult, ReportsOptions } from "./reports";
export type * from "./schema";
export type { ClientOptions } from "./transport";
export type { AnswerOf, ItemOf, OptionsOf } from "./types";
