import { atLeast, type Version } from "./version";

/**
 * The largest message that the broker takes, in bytes: as large as `max_msg_size` of our streams, so that whatever it accepts is stored.
 * A larger one is refused to the sender's face.
 */
export const PAYLOAD_BYTES_MAX = 256 * 1024;

/** Below this version a killed server could lose a whole stream (fixed in 2.10.23). */
export const SAFE_VERSION: Version = [2, 10, 23];
/** Below this version nothing can be said of when the server syncs its files. */
export const SYNC_INTERVAL_VERSION: Version = [2, 10, 0];

const LOG_BYTES_MAX = 4 * 1024 * 1024;
const LOG_FILES_MAX = 3;
const MEMORY_STORE_BYTES_MAX = 256 * 1024 * 1024;
/**
 * Far above what our streams reserve. The server's own default is a share of the disk that is free at its start: it would shrink as the
 * streams fill, and refuse after a restart what it had granted before. The streams' own byte limits are what bounds the disk.
 */
const FILE_STORE_BYTES_MAX = 2 ** 40;

export interface ServerConfOptions {
  readonly version: Version;
  readonly host: string;
  readonly port: number;
  readonly mqttPort: number;
  /** The server puts `jetstream/` in it. */
  readonly storeDir: string;
  readonly logFile: string;
  /** P of the account mapping. */
  readonly partitions: number;
  /** Every message on the disk before its PubAck. Ignored below 2.10, which cannot. */
  readonly syncAlways: boolean;
}

/** The text of a nats-server configuration (docs: "Configuring NATS Server"); the quoting of strings is JSON's, which it reads. */
export function serverConf(options: ServerConfOptions): string {
  const { host, port, mqttPort, storeDir, logFile, partitions } = options;
  const text = (value: string) => JSON.stringify(value);
  const sync = options.syncAlways && atLeast(options.version, SYNC_INTERVAL_VERSION) ? ["  sync_interval: always"] : [];
  return [
    "# Written by tocsin at every start; edits are lost.",
    "server_name: tocsin",
    `host: ${text(host)}`,
    `port: ${port}`,
    `max_payload: ${PAYLOAD_BYTES_MAX}`,
    `log_file: ${text(logFile)}`,
    `logfile_size_limit: ${LOG_BYTES_MAX}`,
    ...(atLeast(options.version, SYNC_INTERVAL_VERSION) ? [`logfile_max_num: ${LOG_FILES_MAX}`] : []),
    "jetstream {",
    `  store_dir: ${text(storeDir)}`,
    `  max_memory_store: ${MEMORY_STORE_BYTES_MAX}`,
    `  max_file_store: ${FILE_STORE_BYTES_MAX}`,
    ...sync,
    "}",
    "mqtt {",
    `  host: ${text(host)}`,
    `  port: ${mqttPort}`,
    "}",
    "mappings {",
    `  ${text("sensors.*.status")}: ${text(mappedSubject(partitions))}`,
    "}",
    "",
  ].join("\n");
}

/** Where a report published to `sensors.<id>.status` goes, in the words of a subject mapping. */
export function mappedSubject(partitions: number): string {
  return `reports.${partitions}.{{partition(${partitions},1)}}.{{wildcard(1)}}`;
}
