/** The ways from one view to another. */

import type { Job } from "../rest/jobs";
import type { Anomaly } from "../rest/results";
import type { Place } from "../state/place";

/** Buckets before and after an anomaly that its series is shown with. */
const AROUND = 100;

/** The place where the series of an anomaly is seen. */
export function seriesPlace(anomaly: Anomaly, job: Job | undefined): Place {
  const splits = job?.detectors.find((one) => one.index === anomaly.detector)?.splits ?? [];
  const params: Record<string, string> = {
    job: anomaly.jobId,
    detector: String(anomaly.detector),
    from: new Date(anomaly.timeMs - AROUND * anomaly.spanMs).toISOString(),
    to: new Date(anomaly.timeMs + (AROUND / 2) * anomaly.spanMs).toISOString(),
  };
  for (const split of splits) {
    const entity = anomaly.entities.find((one) => one.field === split.field);
    if (entity !== undefined) {
      params[split.role] = entity.value;
    }
  }
  if (anomaly.function === "metric") {
    params["part"] = anomaly.described;
  }
  return { view: "series", params };
}
