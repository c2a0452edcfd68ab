/** What all views share: the server, the place in the address, formats, and what time it is. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Ask } from "../rest/server";
import type { Formats } from "../shape/format";
import type { Place } from "../state/place";

export interface Shared {
  readonly ask: Ask;
  readonly place: Place;
  readonly go: (place: Place) => void;
  readonly formats: Formats;
  readonly now: number;
}

export const SharedContext = createContext<Shared | undefined>(undefined);

/** What all views share. */
export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (shared === undefined) {
    throw new Error("a view outside of the application");
  }
  return shared;
}
