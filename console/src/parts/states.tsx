/** States that every view has: waiting, failed, nothing there. */

import type { ComponentChildren } from "preact";
import type { Answer } from "./asking";

/** Shows what an answer holds, or why it holds nothing. */
export function Shown<T>(props: {
  answer: Answer<T>;
  what: string;
  children: (value: T) => ComponentChildren;
}): ComponentChildren {
  const { answer, what, children } = props;
  if (answer.state === "failed") {
    return (
      <div class="problem" role="alert">
        <strong>{what} cannot be shown.</strong> {answer.message} {answer.advice}
      </div>
    );
  }
  const value = answer.state === "there" ? answer.value : answer.before;
  if (value === undefined) {
    return (
      <div class="waiting" role="status">
        Loading {what.toLowerCase()} …
      </div>
    );
  }
  return <div aria-busy={answer.state === "pending"}>{children(value)}</div>;
}

/** Says that there is nothing, and why that may be. */
export function Nothing(props: { children: ComponentChildren }): ComponentChildren {
  return <p class="nothing">{props.children}</p>;
}
