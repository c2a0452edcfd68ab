/** The swim lanes of the explorer: of all jobs together, and in pages by job or by an influencer. */

import type { ComponentChildren } from "preact";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { SwimLanes, type Selection } from "../lanes";
import { Nothing, Shown } from "../states";
import type { Job } from "../../rest/jobs";
import { MOST_NAMES, ORDERS, PAGE_SIZES, pageOf, readLanes, readNames, type LaneKind, type LaneOrder } from "../../rest/laning";
import type { Json } from "../../rest/server";
import { number } from "../../shape/format";
import { withParams } from "../../state/place";
import { cellWidth, type Range } from "../../state/range";
import type { Selected } from "../../state/selecting";

/** Cells of a swim lane at most. */
const MOST_CELLS = 200;

/** The lane of all jobs together, and a page of the lanes of each. */
export function LaneViews(props: {
  jobs: readonly Job[];
  ids: readonly string[];
  range: Range;
  kind: LaneKind;
  least: number;
  /** What the records fit that scores are taken of. */
  fits: Json | undefined;
  selected: Selected;
  onSelect: (selection: Selection) => void;
}): ComponentChildren {
  const { ask, place } = useShared();
  const { ids, range, kind, least, fits } = props;
  const cell = cellWidth(range, Math.max(...props.jobs.map((job) => job.spanMs)), MOST_CELLS);
  const overall = useAnswer(
    (signal) => readLanes(ask, ids, range, cell, { of: "overall" }, { least, fits }, signal),
    JSON.stringify([ids, range, cell, least, fits]),
  );
  const order = ORDERS.find(({ name }) => name === place.params["order"])?.name ?? "worst";
  const names = useAnswer(
    (signal) => readNames(ask, ids, range, kind, order, { least, fits }, signal),
    JSON.stringify([ids, range, kind, order, least, fits]),
  );
  return (
    <>
      <Shown answer={overall} what="Swim lanes">
        {(lanes) => (
          <SwimLanes title="All jobs together" lanes={lanes} selected={props.selected} onSelect={props.onSelect} />
        )}
      </Shown>
      <Shown answer={names} what="Lanes">
        {(all) =>
          all.length === 0 ? (
            <Nothing>
              {kind.of === "influencer"
                ? `No influencer of the field ${kind.field} with this severity in this time.`
                : "No job with this severity in this time."}
            </Nothing>
          ) : (
            <LanePage {...props} names={all} order={order} cellMs={cell} />
          )
        }
      </Shown>
    </>
  );
}

function LanePage(props: {
  ids: readonly string[];
  range: Range;
  kind: LaneKind;
  least: number;
  /** What the records fit that scores are taken of. */
  fits: Json | undefined;
  names: readonly string[];
  order: LaneOrder;
  cellMs: number;
  selected: Selected;
  onSelect: (selection: Selection) => void;
}): ComponentChildren {
  const { ask, place, go, formats } = useShared();
  const { ids, range, kind, least, fits, names, cellMs } = props;
  const size = PAGE_SIZES.find((one) => String(one) === place.params["lanes"]) ?? 10;
  const page = pageOf(names, place.params["page"], size);
  const answer = useAnswer(
    (signal) => readLanes(ask, ids, range, cellMs, kind, { least, names: page.items, fits }, signal),
    JSON.stringify([ids, range, cellMs, kind, least, fits, page.items]),
  );
  const by = kind.of === "influencer" ? kind.field : "job";
  const first = (page.at - 1) * size + 1;
  const of = `${number(names.length, formats)}${names.length === MOST_NAMES ? " or more" : ""}`;
  const turn = (to: number): void => go(withParams(place, { page: String(to) }));
  return (
    <>
      <Shown answer={answer} what="Swim lanes">
        {(lanes) => (
          <SwimLanes
            title={`By ${by}: ${number(first, formats)} to ${number(first + page.items.length - 1, formats)} of ${of}`}
            lanes={lanes}
            selected={props.selected}
            onSelect={props.onSelect}
          />
        )}
      </Shown>
      <div class="tools" role="group" aria-label="Pages of swim lanes">
        <button type="button" disabled={page.at === 1} onClick={() => turn(page.at - 1)}>
          Lanes before
        </button>
        <button type="button" disabled={page.at === page.of} onClick={() => turn(page.at + 1)}>
          Lanes after
        </button>
        <label>
          Sorted by{" "}
          <select
            value={props.order}
            onChange={(event) => go(withParams(place, { order: event.currentTarget.value, page: "" }))}
          >
            {ORDERS.map(({ name, text }) => (
              <option value={name} key={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          Lanes a page{" "}
          <select
            value={String(size)}
            onChange={(event) => go(withParams(place, { lanes: event.currentTarget.value, page: "" }))}
          >
            {PAGE_SIZES.map((one) => (
              <option value={String(one)} key={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      </div>
    </>
  );
}
