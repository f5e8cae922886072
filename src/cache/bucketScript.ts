import type { BucketRule } from "../domain/bucket";
import { DEBT_MS_MAX } from "../domain/bucket";
import type { RedisLink } from "./redis";
import { runScript, script } from "./scripts";

/**
 * The whole step in Redis, by its own clock: a bucket is one number, the microsecond at which it is full again. What stands there in its
 * place (another type, no number, a time that no bucket could reach) counts as the nearest that could be: it costs a wait with a bound.
 * KEYS: the bucket. ARGV: microseconds for one, burst, how many are wanted, 1 to take them on credit, microseconds that may be owed.
 * Gives how many were granted, how many are left, and the microseconds until it is full.
 */
const TAKE = script(`
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local each, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local latest = now + burst * each + tonumber(ARGV[5])
local stored = redis.pcall("GET", KEYS[1])
local fullAt = now
if type(stored) == "string" then fullAt = tonumber(stored) or now end
if not (fullAt > now) then fullAt = now end
if fullAt > latest then fullAt = latest end
local level = math.floor(burst - (fullAt - now) / each + 0.000001)
local granted = wanted
if ARGV[4] ~= "1" then granted = math.max(0, math.min(wanted, level)) end
if granted > 0 then
  fullAt = math.min(latest, fullAt + granted * each)
  redis.call("SET", KEYS[1], string.format("%.0f", fullAt), "PX", math.ceil((fullAt - now) / 1000) + 1)
end
return { granted, math.max(0, level - granted), math.ceil(fullAt - now) }
`);

export interface Granted {
  readonly granted: number;
  readonly left: number;
  readonly fullInMs: number;
}

/** Takes what there is of `wanted`, or all of it with `onCredit`. Rejects when Redis does not answer in time, or with nonsense. */
export async function takeInRedis(
  { client }: RedisLink,
  key: string,
  { rule, wanted, onCredit }: { rule: BucketRule; wanted: number; onCredit: boolean },
): Promise<Granted> {
  const words = [1e6 / rule.perSecond, rule.burst, wanted, onCredit ? 1 : 0, DEBT_MS_MAX * 1000];
  return read(await runScript(client, TAKE, [key], words), rule, wanted);
}

function read(answer: unknown, { perSecond, burst }: BucketRule, wanted: number): Granted {
  const [granted, left, fullInUs] = Array.isArray(answer) ? (answer as unknown[]) : [];
  const fullInUsMax = (burst * 1e6) / perSecond + DEBT_MS_MAX * 1000 + 1;
  if (!isWithin(granted, wanted) || !isWithin(left, burst) || !isWithin(fullInUs, fullInUsMax)) {
    throw new Error(`Redis answered with what no bucket holds: ${JSON.stringify(answer).slice(0, 100)}`);
  }
  return { granted, left, fullInMs: fullInUs / 1000 };
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}
