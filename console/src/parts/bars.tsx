/** How values are distributed, as a small picture with words. */

import type { ComponentChildren } from "preact";
import type { Distribution } from "../rest/data/statistics";

const WIDTH = 160;
const HEIGHT = 36;

/** Bars of one width; `label` says in words what they show. */
export function Bars(props: { of: Distribution; label: string }): ComponentChildren {
  const { counts } = props.of;
  const most = Math.max(1, ...counts);
  const wide = WIDTH / counts.length;
  return (
    <svg class="bars" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={props.label}>
      {counts.map((count, k) => {
        // What is there is seen, however little it is.
        const high = count === 0 ? 0 : Math.max(1, (count / most) * HEIGHT);
        return <rect key={k} x={k * wide} y={HEIGHT - high} width={Math.max(0.5, wide - 1)} height={high} />;
      })}
    </svg>
  );
}

/** A share of a whole as a bar; the figure stands beside it. */
export function ShareBar(props: { part: number; whole: number }): ComponentChildren {
  const width = props.whole > 0 ? Math.min(1, props.part / props.whole) * 100 : 0;
  return (
    <svg class="share" viewBox="0 0 100 8" width="100" height="8" aria-hidden="true">
      <rect class="rest" width="100" height="8" />
      <rect width={width} height="8" />
    </svg>
  );
}
