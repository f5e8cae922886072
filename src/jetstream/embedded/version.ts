/** Major, minor, patch. */
export type Version = readonly [number, number, number];

/** Reads "v2.14.5" or what `nats-server --version` prints; null when there is no version in it. A pre-release counts as its release. */
export function parseVersion(text: string): Version | null {
  const match = /\bv?(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3])];
}

export function atLeast(version: Version, floor: Version): boolean {
  return compareVersions(version, floor) >= 0;
}

/** Negative when `one` is older than `other`. */
export function compareVersions(one: Version, other: Version): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

export function versionText(version: Version): string {
  return version.join(".");
}
