/** Names with their values, as a table that can be read aloud. */

import type { ComponentChildren } from "preact";
import type { Fact } from "../shape/detail";

/** A table of facts under a heading. */
export function Facts(props: { title: string; facts: readonly Fact[]; /** Of the heading. */ level?: 2 | 4 }): ComponentChildren {
  const Heading: "h2" | "h4" = `h${props.level ?? 2}`;
  return (
    <section>
      <Heading>{props.title}</Heading>
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
