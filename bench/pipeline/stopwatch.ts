import type { SideAnswer } from "../pipeline";

/** Times the reports that come after the warm-up, by the clock and by the processor time of this process. */
export class Stopwatch {
  #start: { readonly reports: number; readonly at: number; readonly cpuMicros: number } | null = null;

  /** The first call is the one that counts; `reports` are those taken in so far. */
  start(reports: number): void {
    this.#start ??= { reports, at: performance.now(), cpuMicros: cpuMicros() };
  }

  stop(reports: number): SideAnswer {
    if (this.#start === null || reports <= this.#start.reports) throw new Error("nothing was timed: the stream ended with the warm-up");
    const timed = reports - this.#start.reports;
    const seconds = (performance.now() - this.#start.at) / 1000;
    return { perSecond: timed / seconds, cpuMicros: (cpuMicros() - this.#start.cpuMicros) / timed, rssMb: peakRssMb() };
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function peakRssMb(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
