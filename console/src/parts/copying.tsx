/** Texts to take along: shown as they are, with a button that copies them. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

/** A text to copy, under a heading that says what it is. */
export function Copyable(props: { what: string; text: string }): ComponentChildren {
  const [said, setSaid] = useState("");
  const copy = (): void => {
    // Without a secure context there is no clipboard; the text can be selected all the same.
    const done = navigator.clipboard?.writeText(props.text) ?? Promise.reject(new Error("no clipboard"));
    done.then(
      () => setSaid("copied"),
      () => setSaid("not copied: select the text and copy it"),
    );
  };
  return (
    <div class="copyable">
      <div class="tools">
        <span>{props.what}</span>
        <button type="button" onClick={copy} aria-label={`Copy: ${props.what}`}>
          Copy
        </button>
        <span role="status">{said}</span>
      </div>
      <pre tabIndex={0} role="group" aria-label={props.what}>
        {props.text}
      </pre>
    </div>
  );
}
