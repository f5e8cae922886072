import pino, { type Logger, type LoggerOptions } from "pino";
import type { LogLevel } from "../config";

/** Structured lines in ECS field names on stderr; stdout is for what a person asked to see. Synchronous: a crash loses none. */
export function openLog(level: LogLevel, nodeId?: string): Logger {
  return pino(logOptions(level, nodeId), pino.destination({ dest: 2, sync: true }));
}

/** `nodeId`: what the leases' owner is called, so that a line can be matched with what that node owns. */
export function logOptions(level: LogLevel, nodeId?: string): LoggerOptions {
  const node = nodeId === undefined ? {} : { "service.node.name": nodeId };
  return {
    level,
    base: { "service.name": "tocsin", ...node, "process.pid": process.pid },
    messageKey: "message",
    timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ "log.level": label }) },
    serializers: { error: errorFields },
  };
}

function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  return { type: error.name, message: error.message, stack_trace: error.stack, ...cause };
}
