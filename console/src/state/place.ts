/** Where the reader is: a view and what it shows, whole in the fragment of the address, so that each view is a link. */

export const VIEWS = ["data", "jobs", "explorer", "series", "new", "shared", "report"] as const;
export type View = (typeof VIEWS)[number];

/** A view with its parameters; an absent parameter is the view's default. */
export interface Place {
  readonly view: View;
  readonly params: Readonly<Record<string, string>>;
}

/** The place that a fragment names; the list of jobs where it names none. */
export function parsePlace(fragment: string): Place {
  const text = fragment.replace(/^#\/?/, "");
  const [path = "", query = ""] = split(text, "?");
  const view = VIEWS.find((name) => name === path) ?? "jobs";
  return { view, params: Object.fromEntries([...new URLSearchParams(query)].filter(([, value]) => value !== "")) };
}

/** The fragment of a place. */
export function formatPlace(place: Place): string {
  const query = new URLSearchParams(
    Object.entries(place.params).filter(([, value]) => value !== "").sort(([a], [b]) => (a < b ? -1 : 1)),
  ).toString();
  return `#/${place.view}${query ? `?${query}` : ""}`;
}

/** The place with other parameters; an empty value takes a parameter away. */
export function withParams(place: Place, changes: Readonly<Record<string, string>>): Place {
  const params = { ...place.params, ...changes };
  return { ...place, params: Object.fromEntries(Object.entries(params).filter(([, value]) => value !== "")) };
}

function split(text: string, at: string): [string, string] {
  const found = text.indexOf(at);
  return found < 0 ? [text, ""] : [text.slice(0, found), text.slice(found + 1)];
}
