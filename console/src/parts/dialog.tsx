/** A dialog over the page: it has the keyboard while it is open, Escape closes it, and the focus goes back. */

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

/** A modal dialog. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }): ComponentChildren {
  const element = useRef<HTMLDialogElement>(null);
  const leaving = useRef(false);
  const title = useId();
  // An effect after the next paint would come too late: the focus would be nowhere in between.
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      leaving.current = true;
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) {
        before.focus();
      }
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={title}
      onClose={() => !leaving.current && props.onClose()}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <h2 id={title}>{props.title}</h2>
      {props.children}
    </dialog>
  );
}
