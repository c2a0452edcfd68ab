/** Small marks in text and tables. */

import type { ComponentChildren } from "preact";
import { formatPlace, type Place } from "../state/place";
import { score as scoreText } from "../shape/format";
import { severity } from "../shape/severity";
import type { Entity } from "../rest/results";
import { useShared } from "./context";

/** A score with the colour and, for those who see none, the word of its severity. */
export function Score(props: { value: number }): ComponentChildren {
  const { formats } = useShared();
  const band = severity(props.value);
  return (
    <span class={`score ${band.name}`} title={band.name}>
      {scoreText(props.value, formats)}
      <span class="unseen"> {band.name}</span>
    </span>
  );
}

/** A link to another place in the console. */
export function To(props: { place: Place; children: ComponentChildren; label?: string }): ComponentChildren {
  return (
    <a href={formatPlace(props.place)} {...(props.label === undefined ? {} : { "aria-label": props.label })}>
      {props.children}
    </a>
  );
}

/** The buttons that add to the query that there is a value of a field, or that there is not. */
export function Narrows(props: { entity: Entity; onNarrow: (entity: Entity, present: boolean) => void }): ComponentChildren {
  const { entity, onNarrow } = props;
  return (
    <span class="narrows">
      <button type="button" class="plain" aria-label={`Only with ${entity.field} ${entity.value}`} onClick={() => onNarrow(entity, true)}>
        +
      </button>
      <button type="button" class="plain" aria-label={`Without ${entity.field} ${entity.value}`} onClick={() => onNarrow(entity, false)}>
        −
      </button>
    </span>
  );
}
