/**
 * What Redis does for the rates of webhooks, each in one step and by its own clock, in microseconds.
 *
 * The pool is one hash: of each node how many partitions it owns, and until when that stands. A webhook is one number: the moment at which
 * its next attempt may start, at the part of its rate that the pool has.
 */
import type { RedisLink } from "./redis";
import { runScript, script } from "./scripts";

/** What was given is kept for so long after it is over: whose key is gone before has been lost. */
const KEPT_MS = 1000;

/** `standing(text)`: how many partitions an entry of the pool counts for; nil for what is over, or no entry of ours. */
const STANDING = `
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local function standing(text, lasts)
  local owned, till = string.match(text, "^(%d+) (%d+)$")
  till = tonumber(till)
  if till and till > now and till <= now + lasts then return tonumber(owned) end
end
`;

/**
 * KEYS: the pool. ARGV: the node, its partitions, until when it is in (0: it only asks for the time), for how long an entry may stand.
 * Gives the time, and 1 if it is in. What comes too late, because it waited before a server that hung, changes nothing.
 */
const JOIN = script(`${STANDING}
local till, lasts = tonumber(ARGV[3]), tonumber(ARGV[4])
if not (till > now and till <= now + lasts) then return { now, 0 } end
if redis.call("TYPE", KEYS[1]).ok ~= "hash" then redis.call("DEL", KEYS[1]) end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2] .. " " .. ARGV[3])
redis.call("PEXPIRE", KEYS[1], math.ceil(lasts / 1000))
local held = redis.call("HGETALL", KEYS[1])
for i = 1, #held, 2 do
  if not standing(held[i + 1], lasts) then redis.call("HDEL", KEYS[1], held[i]) end
end
return { now, 1 }`);

/**
 * KEYS: the pool, the webhook. ARGV: the node, for how long an entry may stand, P, microseconds between two attempts at the whole rate, how
 * many moments are wanted, one that none of them may lie before because this node was given what ends there, the most that lies ahead of
 * one node that asks for as many as it may. Gives 1 if the node is in the pool; the time, the first moment, the one behind the last; and 1 if what
 * stood there cannot have.
 */
const GIVE = script(`${STANDING}
local each, wanted, floor, ahead = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local pooled, nodes, isIn = 0, 1, false
local held = redis.pcall("HGETALL", KEYS[1])
for i = 1, #held, 2 do
  local owned = standing(held[i + 1], tonumber(ARGV[2]))
  if owned then pooled = pooled + owned nodes = nodes + 1 end
  if owned and held[i] == ARGV[1] then isIn = true end
end
local partitions = tonumber(ARGV[3])
if not isIn or pooled == 0 then return { 0, now, now, now, 0 } end
each = each * partitions / math.min(pooled, partitions)
local latest = now + nodes * partitions * ahead
if floor > latest then floor = 0 end
local stored = redis.pcall("GET", KEYS[2])
local from, odd = 0, 0
if stored then
  from = type(stored) == "string" and tonumber(stored) or 0
  if not (from >= floor and from <= latest) then from = 0 odd = 1 end
elseif floor > now - ${(KEPT_MS - 100) * 1000} then odd = 1 end
from = math.max(from, floor, now)
local till = from + wanted * each
redis.call("SET", KEYS[2], string.format("%.0f", till), "PX", math.ceil((till - now) / 1000) + ${KEPT_MS})
return { 1, now, from, till, odd }`);

/** The time by Redis, in microseconds, and whether the node is in. */
export interface Joined {
  readonly timeUs: number;
  readonly isIn: boolean;
}

export interface JoinWish {
  readonly node: string;
  readonly owned: number;
  /** By Redis's clock; 0 only asks for the time. */
  readonly untilUs: number;
  readonly lastsMs: number;
}

/** Rejects when Redis does not answer in time, or with nonsense. */
export async function joinPool({ client }: RedisLink, poolKey: string, wish: JoinWish): Promise<Joined> {
  const words = [wish.node, wish.owned, wish.untilUs, wish.lastsMs * 1000];
  const [timeUs, isIn] = numbers(await runScript(client, JOIN, [poolKey], words), 2);
  return { timeUs: timeUs as number, isIn: isIn === 1 };
}

export interface MomentsWish {
  readonly node: string;
  readonly lastsMs: number;
  /** P. */
  readonly partitions: number;
  readonly perSecond: number;
  readonly wanted: number;
  /** The most that a node asks for at once. */
  readonly wantedMax: number;
  /** By Redis's clock: where what this node was given last ends. */
  readonly floorUs: number;
}

export interface Given {
  readonly startsInMs: number;
  readonly eachMs: number;
  /** By Redis's clock. */
  readonly endUs: number;
  /** What stood there was lost, or somebody else's: others may have been given the same. */
  readonly isOdd: boolean;
}

/** The next moments of a webhook; null when the node is not in the pool. Rejects when Redis does not answer in time, or with nonsense. */
export async function giveMoments(
  { client }: RedisLink,
  keys: readonly [pool: string, webhook: string],
  wish: MomentsWish,
): Promise<Given | null> {
  const { node, lastsMs, partitions, perSecond, wanted, wantedMax, floorUs } = wish;
  const eachUs = 1e6 / perSecond;
  const words = [node, lastsMs * 1000, partitions, eachUs, wanted, floorUs, eachUs * wantedMax];
  const [isIn, timeUs, fromUs, endUs, odd] = numbers(await runScript(client, GIVE, keys, words), 5) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (isIn !== 1) return null;
  const eachMs = (endUs - fromUs) / wanted / 1000;
  // Rounded to whole microseconds, each may come out a little short.
  if (fromUs < timeUs || eachMs * 1000 < eachUs - 1) throw new Error(nonsense([isIn, timeUs, fromUs, endUs, odd]));
  return { startsInMs: (fromUs - timeUs) / 1000, eachMs, endUs, isOdd: odd === 1 || fromUs < floorUs };
}

function numbers(answer: unknown, count: number): number[] {
  const values = Array.isArray(answer) ? (answer as unknown[]) : [];
  if (values.length !== count || !values.every((value) => Number.isSafeInteger(value))) throw new Error(nonsense(answer));
  return values as number[];
}

function nonsense(answer: unknown): string {
  return `Redis answered with what no rate holds: ${JSON.stringify(answer).slice(0, 100)}`;
}
