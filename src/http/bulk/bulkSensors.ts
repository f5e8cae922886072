import { TypeCompiler } from "@sinclair/typebox/compiler";
import { isWithin, type Reach } from "../../domain/reach";
import type { SensorDraft, Upserted, UpsertStore } from "../../store/store";
import { parseJson } from "../gate/body";
import type { Intake } from "./bulk";
import type { Cut } from "./cutting";
import { fieldErrorsOf } from "../fieldErrors";
import { refusalOf } from "./itemRefusals";
import type { ItemResults } from "./itemResults";
import { invalid, Refusal } from "../problems";
import { draftOf, SensorCreation } from "../sensorModel";

/** Far more than the largest sensor takes without blanks. */
export const SENSOR_ITEM_BYTES_MAX = 256 * 1024;
/** Written in one transaction. */
const AT_ONCE = 256;

const creations = TypeCompiler.Compile(SensorCreation);

export interface BulkSensorsOptions {
  readonly store: UpsertStore;
  readonly partitions: number;
}

export interface SensorIntakeWish {
  readonly reach: Reach | null;
  readonly failed: (error: unknown) => void;
  /** An item was not simply left as it was. */
  readonly edited: () => void;
}

/** The intake of one request; what is given to it at once goes into the store as one set. */
export type OpenSensorIntake = (results: ItemResults, wish: SensorIntakeWish) => Intake;

export function bulkSensors({ store, partitions }: BulkSensorsOptions): OpenSensorIntake {
  return (results, { reach, failed, edited }) => {
    const refuse = (index: number, error: unknown) => {
      edited();
      const refusal = refusalOf(error);
      if (refusal.status === 500) failed(error);
      results.refuse(index, refusal);
    };

    function checked(items: readonly Cut[], first: number): { indexes: number[]; drafts: SensorDraft[] } {
      const [indexes, drafts]: [number[], SensorDraft[]] = [[], []];
      for (const [place, item] of items.entries()) {
        try {
          const draft = draftIn(item, partitions);
          if (!isWithin(reach, draft)) throw notThere(draft.id);
          drafts.push(draft);
          indexes.push(first + place);
        } catch (error) {
          refuse(first + place, error);
        }
      }
      return { indexes, drafts };
    }

    return {
      atOnce: AT_ONCE,
      async take(items, first) {
        const { indexes, drafts } = checked(items, first);
        if (drafts.length === 0) return;
        try {
          const outcomes = await store.upsertSensors(drafts, reach);
          if (outcomes.some(({ kind }) => kind !== "unchanged")) edited();
          for (const [place, outcome] of outcomes.entries()) {
            const index = indexes[place] as number;
            if (outcome.kind === "outOfReach") refuse(index, notThere((drafts[place] as SensorDraft).id));
            else results.accept(index, outcome.kind === "created" ? 201 : 200, fieldsOf(outcome));
          }
        } catch (error) {
          for (const index of indexes) refuse(index, error);
        }
      },
      settled: () => Promise.resolve(),
    };
  };
}

function fieldsOf({ kind, sensor }: Exclude<Upserted, { kind: "outOfReach" }>): { number: number; fields: string } {
  return { number: sensor.version, fields: `"outcome":"${kind}","version":#` };
}

/** Throws {@link Refusal}. */
function draftIn(item: Cut, partitions: number): SensorDraft {
  if (item === null) throw new Refusal(413, `A sensor may have at most ${SENSOR_ITEM_BYTES_MAX} bytes.`);
  const body = parseJson(item, "The item");
  if (!creations.Check(body)) throw invalid("The sensor is not valid.", fieldErrorsOf(creations.Errors(body)));
  return draftOf(body.id, body, partitions);
}

/** As if it were not there: a sensor that its token does not reach, or would not reach any more. */
function notThere(id: string): Refusal {
  return new Refusal(404, `There is no sensor ${id}.`);
}
