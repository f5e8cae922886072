/** How a node comes by its part of the rates of webhooks. Rates are attempts a second. */
export interface Rates {
  /** In how many milliseconds an attempt may start; null: nobody knows before it is asked for. */
  dueInMs(webhookId: string, perSecond: number): number | null;
  /** Asks for it in the background; {@link onAnswer} tells of the end. */
  ask(webhookId: string, perSecond: number): void;
  /** An attempt starts; gives the rate that this node keeps by itself after it. */
  take(webhookId: string, perSecond: number): number;
  /** Calls with the webhook that was asked for, until the function that it gives is called. */
  onAnswer(listener: (webhookId: string) => void): () => void;
}

/** Each node sends its part of every rate, in (0, 1], by itself. */
export function divideRates(share: () => number): Rates {
  return {
    dueInMs: () => 0,
    ask: () => undefined,
    take: (_, perSecond) => perSecond * share(),
    onAnswer: () => () => undefined,
  };
}
