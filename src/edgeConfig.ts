/** What stands between a stranger and the API: proxies, origins, rates, JSON Web Tokens, and the Redis that nodes share. */
import ipaddr from "ipaddr.js";
import type { ConfigReader } from "./configReader";

/** A token bucket; null for no limit. */
export interface RateConfig {
  readonly perSecond: number;
  readonly burst: number;
}

export interface EdgeConfig {
  /** TRUSTED_PROXIES: networks in CIDR notation whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** CORS_ORIGINS: pages of these origins may call the API; none unless it is set, `*` for all. */
  readonly corsOrigins: readonly string[];
  /** RATE_PER_TOKEN, for each token; a request costs 1, a bulk request 1 for each item begun of 100. */
  readonly perToken: RateConfig | null;
  /** RATE_PER_ADDRESS, for each address that a request comes from, whoever asks. */
  readonly perAddress: RateConfig | null;
}

export interface JwtConfig {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** The claim that holds the scopes: texts in a list, or in one text with spaces between. */
  readonly scopeClaim: string;
}

const RATE = /^(\d+)(?:\/(\d+))?$/;

export function readEdge(read: ConfigReader): EdgeConfig {
  return {
    trustedProxies: listIn(read, "TRUSTED_PROXIES", isNetwork, "is neither an address nor a network such as 10.0.0.0/8"),
    corsOrigins: listIn(read, "CORS_ORIGINS", isOrigin, "is neither an origin such as https://example.org nor *"),
    perToken: readRate(read, "RATE_PER_TOKEN", "50000/100000"),
    perAddress: readRate(read, "RATE_PER_ADDRESS", "50000/100000"),
  };
}

export function readJwt(read: ConfigReader): JwtConfig | null {
  const asked = ["AUTH_JWKS_URL", "AUTH_ISSUER", "AUTH_AUDIENCE"] as const;
  const missing = asked.filter((name) => !read.has(name));
  if (missing.length === asked.length) return null;
  for (const name of missing) read.problem(name, `is missing: ${asked.join(", ")} go together`);
  return {
    jwksUrl: read.httpUrl("AUTH_JWKS_URL"),
    issuer: read.text("AUTH_ISSUER", ""),
    audience: read.text("AUTH_AUDIENCE", ""),
    scopeClaim: read.text("AUTH_SCOPE_CLAIM", "scope"),
  };
}

export function readRedis(read: ConfigReader): string | null {
  const url = read.secret("REDIS_URL", 1);
  if (url !== null && (!/^rediss?:\/\/./.test(url) || !URL.canParse(url))) {
    read.problem("REDIS_URL", "is not redis://user:password@host:port/database, or rediss:// for TLS");
  }
  return url;
}

/** `PER_SECOND` or `PER_SECOND/BURST`; 0 for no limit. */
function readRate(read: ConfigReader, name: string, fallback: string): RateConfig | null {
  const text = read.text(name, fallback);
  const [, first, second] = RATE.exec(text) ?? [];
  const perSecond = Number(first);
  const burst = second === undefined ? perSecond * 2 : Number(second);
  if (first === undefined || perSecond > 1e6 || burst > 1e7 || (perSecond > 0 && burst < 1)) {
    read.problem(name, `"${text}" is neither a number of requests a second nor such a number and a burst, as 100/200; 0 for no limit`);
    return null;
  }
  return perSecond === 0 ? null : { perSecond, burst };
}

function listIn(read: ConfigReader, name: string, isOne: (text: string) => boolean, complaint: string): string[] {
  if (!read.has(name)) return [];
  const items = read
    .text(name, "")
    .split(",")
    .map((item) => item.trim());
  for (const item of items) if (!isOne(item)) read.problem(name, `"${item}" ${complaint}`);
  return items;
}

function isNetwork(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text);
}

function isOrigin(text: string): boolean {
  return text === "*" || (URL.canParse(text) && new URL(text).origin === text);
}
