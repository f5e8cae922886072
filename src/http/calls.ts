/** What is known of a request once it was let in, before its handler runs. */
export interface Call {
  readonly requestId: string;
  /** Parsed JSON; null when the operation takes none. */
  readonly body: unknown;
  readonly query: Readonly<Record<string, unknown>>;
}

/** From a request, as Elysia hands it on, to what the gate found out about it. */
export type Calls = WeakMap<Request, Call>;
