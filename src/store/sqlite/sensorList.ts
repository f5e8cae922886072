import { currentState } from "../../domain/state";
import { decodeCursor } from "../cursor";
import { LargePage } from "../largePages";
import { SENSOR_SIZE } from "../sensorRows";
import { findSensors, type SensorPaths } from "../sensorSlices";
import type { Page, PageRequest, SensorAndState, SensorQuery, SensorRecord } from "../store";
import type { Connection } from "./connection";
import { prepareStretch } from "./sensorPaths";
import { prepareSelect } from "./sensorSelect";
import { prepareFindByText } from "./searchGroups";

const LIST = "sensors";

/** By id. What leads gives the order, so that a page costs what that lets through up to its end. */
export function prepareSensorList(connection: Connection): (query: SensorQuery, page: PageRequest) => Promise<Page<SensorRecord>> {
  const stretch = prepareStretch(connection);
  const paths: SensorPaths = {
    stretches: (leads, after, steps) => leads.map((lead) => stretch(lead, after, steps)),
    byText: prepareFindByText(connection),
    select: prepareSelect(connection),
  };

  return async (query, { limit, cursor }) => {
    const after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
    using large = new LargePage<SensorAndState>(limit, SENSOR_SIZE);
    await findSensors(paths, query, { after, limit, large });
    return large.page({
      list: LIST,
      key: ({ sensor }) => [sensor.id],
      item: ({ sensor, state }) => ({ sensor, state: currentState(state, sensor.life) }),
    });
  };
}
