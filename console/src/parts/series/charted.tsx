/** The chart of a series, or why there is none, with what dragging over it does. */

import type { ComponentChildren } from "preact";
import { Chart, type Shade } from "../chart";
import { useShared } from "../context";
import { Nothing } from "../states";
import { writesAllowed } from "../writes";
import type { Forecasted } from "../../rest/forecasts/forecasts";
import type { Job } from "../../rest/jobs";
import type { Anomaly } from "../../rest/results";
import type { Drawn, Undrawn } from "../../rest/series/drawn";
import { withParams } from "../../state/place";
import type { Range } from "../../state/range";

const NONE = new Float64Array(0);
/** What is drawn under a forecast of what nobody has measured yet. */
const NOTHING_YET: Drawn = {
  series: { cellMs: 0, times: NONE, actual: NONE, lower: NONE, upper: NONE },
  from: "model",
  words: "what was measured",
};

/** The chart of a series. */
export function Charted(props: {
  job: Job;
  drawn: Drawn | Undrawn;
  forecast: Forecasted | undefined;
  anomalies: readonly Anomaly[];
  shades: readonly Shade[];
  range: Range;
  label: string;
  onAnnotate: (range: Range) => void;
}): ComponentChildren {
  const { place, go } = useShared();
  const annotates = place.params["drag"] === "annotate" && writesAllowed();
  const closer = (chosen: Range): void =>
    go(withParams(place, { from: new Date(chosen.from).toISOString(), to: new Date(chosen.to).toISOString() }));
  const ahead = props.forecast !== undefined && props.forecast.times.length > 0;
  const drawn = "why" in props.drawn && ahead ? NOTHING_YET : props.drawn;
  return (
    <>
      {writesAllowed() && (
        <label>
          Dragging over the chart{" "}
          <select
            value={annotates ? "annotate" : "closer"}
            onChange={(event) => go(withParams(place, { drag: event.currentTarget.value }))}
          >
            <option value="closer">looks closer</option>
            <option value="annotate">annotates</option>
          </select>
        </label>
      )}
      {"why" in drawn ? (
        <Nothing>
          No chart of this series: {drawn.why}.
          {!props.job.modelPlot && " With model_plot_config.enabled the model itself would tell it."} Its anomalies are
          below.
        </Nothing>
      ) : (
        <Chart
          drawn={drawn}
          forecast={props.forecast}
          anomalies={props.anomalies}
          range={props.range}
          label={props.label}
          shades={props.shades}
          dragging={annotates ? "Drag over the chart to annotate." : "Drag over the chart to look closer."}
          onDrag={annotates ? props.onAnnotate : closer}
        />
      )}
    </>
  );
}
