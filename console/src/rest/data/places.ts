/** Where documents are: squares of a map in the projection of web maps, as fine as a picture can show. */

import type { Ask, Json } from "../server";
import { searchPath, type Subject } from "./overview";
import type { Sample } from "./sampling";
import { searchOf } from "./statistics";

/** Squares across a picture at most, in each direction. */
export const MOST_ACROSS = 64;
/** The zoom that the world is looked at first: 256 squares. */
const FIRST_ZOOM = 4;
/** A square of some forty metres. */
const LAST_ZOOM = 20;

/** A square: column and row at the zoom of its map, with its documents. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly documents: number;
}

/** The squares in which documents are, all of one zoom: the world has 2^zoom of them in each direction. */
export interface Places {
  readonly zoom: number;
  readonly squares: readonly Square[];
}

/** Finds where documents are: the world in large squares first, then finer ones as long as they fit. */
export async function readPlaces(ask: Ask, subject: Subject, sample: Sample, field: string, signal?: AbortSignal): Promise<Places> {
  let zoom = FIRST_ZOOM;
  for (;;) {
    const places = shapePlaces(await ask("POST", searchPath(subject.index), placesQuery(subject, sample, field, zoom), signal), zoom);
    const next = finerZoom(places);
    if (next === zoom) {
      return places;
    }
    zoom = next;
  }
}

/** Returns the search for the squares of a zoom: no more of them can be answered than fit a picture. */
export function placesQuery(subject: Subject, sample: Sample, field: string, zoom: number): Json {
  return searchOf(subject, sample, { squares: { geotile_grid: { field, precision: zoom, size: MOST_ACROSS * MOST_ACROSS } } });
}

/** The squares of the server's answer. */
export function shapePlaces(answer: any, zoom: number): Places {
  const found = (answer.aggregations.sample ?? answer.aggregations).squares.buckets as any[];
  return {
    zoom,
    squares: found.map((bucket) => {
      const [, x, y] = String(bucket.key).split("/").map(Number);
      return { x: x ?? 0, y: y ?? 0, documents: bucket.doc_count };
    }),
  };
}

/** The finest zoom at which the area of these squares is no more than a picture's. */
export function finerZoom(places: Places): number {
  if (places.squares.length === 0) {
    return places.zoom;
  }
  const { width, height } = areaOf(places);
  const finer = Math.floor(Math.log2(MOST_ACROSS / Math.max(width, height)));
  return Math.min(LAST_ZOOM, places.zoom + Math.max(0, finer));
}

/** The least rectangle around all squares, in squares. */
export function areaOf(places: Places): { readonly x: number; readonly y: number; readonly width: number; readonly height: number } {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of places.squares) {
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}
