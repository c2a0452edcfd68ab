/** The top influencers of the explorer. */

import type { ComponentChildren } from "preact";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { Narrows, Score } from "../marks";
import { Nothing, Shown } from "../states";
import { readInfluencers, type Choice, type Influence } from "../../rest/influencers";
import type { Entity } from "../../rest/results";
import { number, type Formats } from "../../shape/format";
import type { Range } from "../../state/range";

/** The influencers of what is selected, field by field, the worst first. */
export function Influencers(props: {
  ids: readonly string[];
  range: Range;
  fields: readonly string[];
  choice: Choice;
  onEntity: (entity: Entity) => void;
  onNarrow: (entity: Entity, present: boolean) => void;
}): ComponentChildren {
  const { ask, formats } = useShared();
  const { ids, range, fields, choice } = props;
  const depends = JSON.stringify([ids, range, fields, choice]);
  const answer = useAnswer((signal) => readInfluencers(ask, ids, range, fields, choice, signal), depends);
  return (
    <section class="influencers" aria-label="Top influencers">
      <h2>Top influencers</h2>
      <Shown answer={answer} what="Influencers">
        {(found) => (found.length === 0 ? <Nothing>None in this time.</Nothing> : byField(found, formats, props))}
      </Shown>
    </section>
  );
}

function byField(
  found: readonly Influence[],
  formats: Formats,
  on: { onEntity: (entity: Entity) => void; onNarrow: (entity: Entity, present: boolean) => void },
): ComponentChildren {
  const fields = [...new Set(found.map((one) => one.field))];
  return fields.map((field) => (
    <div key={field}>
      <h3>{field}</h3>
      <ul>
        {found
          .filter((one) => one.field === field)
          .map((one) => (
            <li key={one.value}>
              <button type="button" class="plain" onClick={() => on.onEntity(one)}>
                {one.value}
              </button>{" "}
              <Score value={one.worst} /> <span class="aside">sum {number(Math.round(one.sum), formats)}</span>{" "}
              <Narrows entity={one} onNarrow={on.onNarrow} />
            </li>
          ))}
      </ul>
    </div>
  ));
}
