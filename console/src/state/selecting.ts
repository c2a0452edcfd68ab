/** What a reader selected in the swim lanes: a stretch of time, and values of a field; whole in the address. */

import { clip, type Range } from "./range";

/** Values of a field that were selected. */
export interface Picked {
  readonly field: string;
  readonly values: readonly string[];
}

/** What is selected; each part is undefined where it says nothing. */
export interface Selected {
  readonly range: Range | undefined;
  readonly picked: Picked | undefined;
}

/** The selection of an address, as far as it lies in what is shown. */
export function parseSelected(params: Readonly<Record<string, string>>, shown: Range): Selected {
  return { range: rangeOf(params["select"], shown), picked: pickedOf(params["entity"]) };
}

/** The parameters that say a selection; what it does not say is taken away. */
export function selectedParams(selected: Selected): { select: string; entity: string } {
  const { range, picked } = selected;
  return {
    select: range === undefined ? "" : `${range.from}-${range.to}`,
    entity: picked === undefined ? "" : JSON.stringify([picked.field, ...picked.values]),
  };
}

function rangeOf(text: string | undefined, shown: Range): Range | undefined {
  const found = /^(-?\d+)-(-?\d+)$/.exec(text ?? "");
  if (!found) {
    return undefined;
  }
  const wanted = { from: Number(found[1]), to: Number(found[2]) };
  return wanted.from < wanted.to && wanted.from < shown.to && wanted.to > shown.from ? clip(wanted, shown) : undefined;
}

function pickedOf(text: string | undefined): Picked | undefined {
  try {
    const read: unknown = JSON.parse(text ?? "");
    const [field, ...values] = Array.isArray(read) ? (read as unknown[]) : [];
    const texts = values.filter((one): one is string => typeof one === "string");
    return typeof field === "string" && texts.length > 0 && texts.length === values.length ? { field, values: texts } : undefined;
  } catch {
    return undefined;
  }
}

/** Rows that lie together, both ends included. */
export interface Run {
  readonly first: number;
  readonly last: number;
}

/**
 * The rows that a selection selects, as runs of neighbours: what an outline goes around.
 *
 * @param rows The value of each lane, top to bottom; of one field, which is undefined for the lane of everything.
 */
export function selectedRuns(rows: readonly string[], field: string | undefined, selected: Selected): Run[] {
  const { range, picked } = selected;
  const ofLanes = picked !== undefined && picked.field === field;
  if (range === undefined && !ofLanes) {
    return [];
  }
  const runs: { first: number; last: number }[] = [];
  rows.forEach((row, place) => {
    const within = picked === undefined || (ofLanes && picked.values.includes(row));
    const before = runs.at(-1);
    if (within && before?.last === place - 1) {
      before.last = place;
    } else if (within) {
      runs.push({ first: place, last: place });
    }
  });
  return runs;
}
