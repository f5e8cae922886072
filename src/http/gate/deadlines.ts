/** How often it is looked for what is late, in the time that all of it has. */
const LOOKS = 20;

interface Wait {
  readonly until: number;
  readonly end: () => void;
}

export interface Deadlines {
  /** What `answer` becomes; rejects with `late()` when that takes too long. */
  race<Answer>(answer: Promise<Answer>, late: () => Error): Promise<Answer>;
  stop(): void;
}

/** Many waits of the same length, kept by one timer: a timer for each request would cost more than most of them. */
export function createDeadlines(ms: number): Deadlines {
  // In the order in which they end.
  const waits = new Set<Wait>();
  let timer: Timer | null = null;

  function look(): void {
    const now = performance.now();
    for (const wait of waits) {
      if (wait.until > now) return;
      waits.delete(wait);
      wait.end();
    }
  }

  return {
    race(answer, late) {
      return new Promise((resolve, reject) => {
        const wait = { until: performance.now() + ms, end: () => reject(late()) };
        waits.add(wait);
        if (timer === null) (timer = setInterval(look, ms / LOOKS)).unref();
        answer.then(
          (value) => {
            waits.delete(wait);
            resolve(value);
          },
          (error: unknown) => {
            waits.delete(wait);
            reject(error as Error);
          },
        );
      });
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}
