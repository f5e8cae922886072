/** How often a Redis that failed is tried again, while nobody waits for it. */
const RETRY_MS = 1000;

export interface CircuitOptions {
  /** Rejects, with the reason, while Redis cannot be worked with. */
  readonly probe: () => Promise<unknown>;
  /** Told at the beginning and at every turn. */
  readonly onTurn: (up: boolean, reason: string | null) => void;
  readonly retryMs?: number;
}

/** Whether Redis is asked at all: not from its first failure on until a probe succeeds, so that requests do not wait for it one by one. */
export interface Circuit {
  readonly isUp: () => boolean;
  failed(error: unknown): void;
  /** It may answer by now: looks at once. Nothing is looked at, or told, before the first time. */
  look(): void;
  stop(): void;
}

export function createCircuit({ probe, onTurn, retryMs = RETRY_MS }: CircuitOptions): Circuit {
  let up: boolean | null = null;
  let timer: Timer | null = null;
  let stopped = false;

  function turn(to: boolean, reason: string | null): void {
    if (up === to || stopped) return;
    up = to;
    onTurn(to, reason);
  }

  async function look(): Promise<void> {
    if (up === true || stopped) return;
    try {
      await probe();
      turn(true, null);
    } catch (error) {
      turn(false, (error as Error).message);
    }
  }

  return {
    isUp: () => up === true,
    failed: (error) => turn(false, (error as Error).message),
    look() {
      if (stopped) return;
      if (timer === null) (timer = setInterval(() => void look(), retryMs)).unref();
      void look();
    },
    stop() {
      stopped = true;
      if (timer !== null) clearInterval(timer);
    },
  };
}
