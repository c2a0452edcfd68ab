/** Small marks in text and tables. */

import type { ComponentChildren } from "preact";
import { formatPlace, type Place } from "../state/place";
import { score as scoreText } from "../shape/format";
import { severity } from "../shape/severity";
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
