/** The names that the broker knows us by. P stands in each, so that an old P can drain while a new one fills. */

/** Where sensors publish; the account maps it to {@link reportSubject}. An MQTT client writes it `sensors/<id>/status`. */
export function sensorSubject(sensorId: string): string {
  return `sensors.${sensorId}.status`;
}

/** What comes under `sensors.>` in another shape than {@link sensorSubject}, which the mapping takes away before. */
export const STRAY_SUBJECTS = "sensors.>";
export const STRAYS = "STRAYS";

/** A partition of P. */
export interface PartitionPlace {
  /** P. */
  readonly partitions: number;
  /** From 0. */
  readonly partition: number;
}

export function reportsStream({ partitions, partition }: PartitionPlace): string {
  return `REPORTS_${partitions}_${partition}`;
}

export function reportSubject({ partitions, partition }: PartitionPlace, id: string): string {
  return `reports.${partitions}.${partition}.${id}`;
}

export function changesStream({ partitions, partition }: PartitionPlace): string {
  return `CHANGES_${partitions}_${partition}`;
}

export function changeSubject({ partitions, partition }: PartitionPlace, sensorId: string): string {
  return `changes.${partitions}.${partition}.${sensorId}`;
}

/** The subjects of the changes of every partition. */
export function allChangesSubject(partitions: number): string {
  return `changes.${partitions}.>`;
}

/** The `Nats-Msg-Id` of a change. */
export function changeMessageId(partition: number, number: number): string {
  return `${partition}:${number}`;
}

/** The number in a change's `Nats-Msg-Id`; null when it is none of this partition's. */
export function numberOfMessageId(partition: number, id: string): number | null {
  const match = /^(\d+):(\d+)$/.exec(id);
  return match !== null && Number(match[1]) === partition ? Number(match[2]) : null;
}
