import { SENSOR_ID_PATTERN } from "../domain/sensor";

const FIRST = /^[^A-Za-z0-9]+/;
const WRONG = /[^A-Za-z0-9_:-]+/g;
/** Room for the longest reading's name, `-temperature`. */
const CHARS_MAX = 128 - "-temperature".length;

/** A sensor id's beginning from a host's name: `web.example.org` becomes `web-example-org`. What has no letter or digit is `host`. */
export function hostId(hostname: string): string {
  const id = hostname.replace(WRONG, "-").replace(FIRST, "").slice(0, CHARS_MAX).replace(/-+$/, "");
  return new RegExp(SENSOR_ID_PATTERN).test(id) ? id : "host";
}
