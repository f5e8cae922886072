import { type Command, InvalidArgumentError } from "commander";
import { readCliConfig } from "../config";
import { parseTime, TIME_PATTERN } from "../domain/time";
import { type Api, openApi } from "./api";
import { UsageError } from "./errors";
import { wholeNumber } from "./flags";
import { openLifetime } from "./lifetime";

const RATE_MAX = 10_000;
const DEADLINE_MS = 5000;
const LOOK_MS = 500;

interface ReplayOptions {
  /** Epoch milliseconds. */
  readonly since?: number;
  readonly until?: number;
  readonly all?: boolean;
  readonly rate?: number;
  readonly follow?: boolean;
  readonly cancel?: string;
}

/** As the API shows it. */
export interface ShownReplay {
  readonly id: string;
  readonly since: string;
  readonly until: string;
  readonly state: "running" | "done" | "cancelled";
  readonly reason: string | null;
  readonly replayed: number;
  readonly reachedAt: string;
}

export function addReplay(program: Command): void {
  program
    .command("replay")
    .description(
      "send a webhook's deliveries of a period again, under their own webhook-ids; a job that the running Tocsin completes by itself",
    )
    .argument("[webhook]", "whose deliveries")
    .option("--since <time>", "start of the period: how long ago (90s, 30m, 1h, 2d) or a time such as 2026-11-23T10:00:00Z", timeBefore)
    .option("--until <time>", "end of the period, written in the same way (default: now)", timeBefore)
    .option("--all", "also what was delivered; otherwise only what failed or was skipped")
    .option("--rate <rate>", "how many are made due per second", wholeNumber({ min: 1, max: RATE_MAX }))
    .option("--follow", "show its progress until it is done; Ctrl-C leaves it running")
    .option("--cancel <replay>", "stop one that runs")
    .addHelpText("after", EXAMPLES)
    .action(replay);
}

async function replay(webhook: string | undefined, options: ReplayOptions): Promise<void> {
  const config = readCliConfig();
  const api = openApi(config);
  if (options.cancel !== undefined) return cancel(api, webhook, { ...options, cancel: options.cancel });
  if (webhook === undefined || options.since === undefined)
    throw new UsageError("name a webhook and --since (tocsin replay wh_… --since 1h), or --cancel with a replay's id");
  const job = await api.request<ShownReplay>("POST", `/v1/webhooks/${encodeURIComponent(webhook)}/replay`, bodyOf(options, options.since));
  console.log(job.id);
  if (options.follow === true) await follow(api, job, config.launched);
  else console.error(`it runs; tocsin replay --cancel ${job.id} stops it`);
}

function bodyOf({ until, all, rate }: ReplayOptions, since: number): object {
  return {
    since: new Date(since).toISOString(),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    ...(all === true ? { which: "all" } : {}),
    ...(rate === undefined ? {} : { ratePerSecond: rate }),
  };
}

async function cancel(api: Api, webhook: string | undefined, { cancel: id, ...others }: ReplayOptions & { cancel: string }): Promise<void> {
  if (webhook !== undefined || Object.keys(others).length > 0) throw new UsageError("--cancel stands alone, with the id of a replay");
  console.error(progressLine(await api.request<ShownReplay>("POST", `/v1/replays/${encodeURIComponent(id)}/cancel`)));
}

async function follow(api: Api, job: ShownReplay, launched: boolean): Promise<void> {
  using lifetime = openLifetime({ launched, deadlineMs: DEADLINE_MS });
  let shown = "";
  for (let now = job; ; now = await api.request<ShownReplay>("GET", `/v1/replays/${job.id}`)) {
    const line = progressLine(now);
    if (line !== shown) console.error(line);
    shown = line;
    if (now.state !== "running") {
      if (now.state === "cancelled" || now.reason !== null) process.exitCode = 1;
      return;
    }
    await Promise.race([Bun.sleep(LOOK_MS), lifetime.asked]);
    if (lifetime.isAsked()) return console.error(`it goes on without us; tocsin replay --cancel ${job.id} stops it`);
  }
}

/** How far it has come, by the time of planning. */
export function progressLine({ since, until, reachedAt, state, reason, replayed }: ShownReplay): string {
  const [from, to, at] = [since, until, reachedAt].map((time) => Date.parse(time)) as [number, number, number];
  const percent = state === "done" && reason === null ? 100 : Math.floor((100 * Math.min(Math.max(at - from, 0), to - from)) / (to - from));
  return `${state}  ${percent} %  ${replayed} made due, as far as ${reachedAt}${reason === null ? "" : `: ${reason}`}`;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Epoch milliseconds of `1h` ago, or of a time. */
export function timeBefore(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const written = new RegExp(TIME_PATTERN).test(text) ? parseTime(text) : Number.NaN;
  const time = unit === undefined ? written : Date.now() - Number(count) * (UNIT_MS[unit] as number);
  if (Number.isNaN(time) || time < 0)
    throw new InvalidArgumentError("It is how long ago (90s, 30m, 1h, 2d), or a time such as 2026-11-23T10:00:00Z.");
  return time;
}

const EXAMPLES = `
Examples:
  $ tocsin replay wh_… --since 1h
  $ tocsin replay wh_… --since 2026-11-23T10:00:00Z --until 2026-11-23T12:00:00Z --all --rate 50
  $ tocsin replay wh_… --since 2d --follow
  $ tocsin replay --cancel rpl_…

Prints the replay's id. A webhook has one at a time; what it makes due is sent at the webhook's own pace and in order.`;
