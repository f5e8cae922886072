import pino, { type Logger } from "pino";
import type { LogLevel } from "../config";

/** Structured lines in ECS field names on stderr; stdout is for what a person asked to see. Synchronous: a crash loses none. */
export function openLog(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: { "service.name": "tocsin", "process.pid": process.pid },
      messageKey: "message",
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ "log.level": label }) },
      serializers: { error: errorFields },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  return { type: error.name, message: error.message, stack_trace: error.stack, ...cause };
}
