/** What Redis does in one step. A key holds nothing, a lease (`L…`: somebody reads the database for it), or an entry (seal.ts). */
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { ORDER_CHARS } from "./order";

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/** `held(key)`: its text; "" where there is none; nil for what is no text of ours by its type or its length, which is taken out. */
const HELD = `
local function held(key, bytes_max)
  local length = redis.pcall('STRLEN', key)
  if type(length) ~= 'number' or length > bytes_max then redis.call('DEL', key) return nil end
  if length == 0 then return '' end
  return redis.call('GET', key)
end
local function is_lease(text) return string.sub(text, 1, 1) == 'L' end
`;

/**
 * KEYS: both registers. ARGV: the most bytes, a lease ("" only looks), how long that lasts, the channel to ask the owner on, the sensor.
 * Gives the two texts (nil where there is none), then two numbers, 1 and 2 for each register: which were leased, and which held what no
 * text of ours can be. A lease that would last longer than any of ours is none.
 */
export const LOOK = script(`${HELD}
local texts, leased, odd = {false, false}, 0, 0
for i = 1, 2 do
  local text = held(KEYS[i], tonumber(ARGV[1]))
  if text == nil then odd = odd + i text = '' end
  if text ~= '' and is_lease(text) then
    local left = redis.call('PTTL', KEYS[i])
    if left >= 0 and left <= tonumber(ARGV[3]) then text = nil else text = '' end
  end
  if text == '' then
    if ARGV[2] ~= '' then redis.call('SET', KEYS[i], ARGV[2], 'PX', ARGV[3]) leased = leased + i end
  elseif text then texts[i] = text end
end
if leased > 0 then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return {texts[1], texts[2], leased, odd}`);

/** KEYS: some. ARGV: the most bytes, the lease that each must hold still, how long an entry lasts; then each key's entry. Gives how many were written. */
export const FILL = script(`${HELD}
local written = 0
for i, key in ipairs(KEYS) do
  if held(key, tonumber(ARGV[1])) == ARGV[2] then redis.call('SET', key, ARGV[3 + i], 'PX', ARGV[3]) written = written + 1 end
end
return written`);

/**
 * KEYS: states. ARGV: the most bytes; then for each key how long its entry lasts, and the entry. Written where somebody waits for one, or
 * where there is one of an earlier place. Gives how many were written.
 */
export const WRITE = script(`${HELD}
local function order_of(text) return string.sub(text, 2, ${1 + ORDER_CHARS}) end
local written = 0
for i, key in ipairs(KEYS) do
  local text, entry = held(key, tonumber(ARGV[1])), ARGV[2 * i + 1]
  if text and text ~= '' and (is_lease(text) or order_of(text) < order_of(entry)) then
    redis.call('SET', key, entry, 'PX', ARGV[2 * i])
    written = written + 1
  end
end
return written`);

export function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** By its hash, and in full where Redis does not know it (any more). Rejects as the command does. */
export async function runScript(
  client: Redis,
  { lua, sha }: Script,
  keys: readonly string[],
  values: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...values);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    return client.eval(lua, keys.length, ...keys, ...values);
  }
}
