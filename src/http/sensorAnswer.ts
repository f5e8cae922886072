import type { SensorRecord } from "../store/store";
import { readyHeaders } from "./gate/answerHeaders";
import { sensorEtagOf, sensorView } from "./sensorModel";

interface Written {
  readonly text: string;
  readonly headers: Headers;
}

/** Records that are kept ready come again and again as the same object: each is written out once. */
const written = new WeakMap<SensorRecord, Written>();

/** A sensor as the body of an answer, with its `ETag`. */
export function sensorAnswer(record: SensorRecord): Response {
  let { text, headers } = written.get(record) ?? {};
  if (text === undefined || headers === undefined) {
    text = JSON.stringify(sensorView(record));
    headers = readyHeaders({ "content-type": "application/json", etag: sensorEtagOf(record) });
    written.set(record, { text, headers });
  }
  return new Response(text, { headers });
}
