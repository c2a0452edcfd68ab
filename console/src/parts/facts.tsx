/** Names with their values, as a table that can be read aloud. */

import type { ComponentChildren } from "preact";
import type { Fact } from "../shape/detail";

/** A table of facts under a heading. */
export function Facts(props: { title: string; facts: readonly Fact[] }): ComponentChildren {
  return (
    <section>
      <h2>{props.title}</h2>
      <div class="scrolling" tabIndex={0} role="region" aria-label={props.title}>
        <table class="facts">
          <tbody>
            {props.facts.map(({ name, value }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
