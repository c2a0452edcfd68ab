/** Maps, and where documents are: squares over lines of longitude and latitude. No coasts or borders: nothing is loaded from elsewhere. */

import type { ComponentChildren } from "preact";
import { useAnswer } from "./asking";
import { useShared } from "./context";
import { Nothing, Shown } from "./states";
import type { Subject } from "../rest/data/overview";
import { areaOf, readPlaces, type Places, type Square } from "../rest/data/places";
import type { Sample } from "../rest/data/sampling";
import { share } from "../shape/fields";
import { degrees, eastOf, graticule, latitudeOf, longitudeOf, longitudeWithin, southOf, type Area } from "../shape/mercator";

const WIDTH_PX = 520;
const MOST_HEIGHT_PX = 420;
/** Squares that are told in words. */
const TOLD = 10;

/** The map of a field. */
export function FieldMap(props: { subject: Subject; sample: Sample; field: string }): ComponentChildren {
  const { ask } = useShared();
  const { subject, sample, field } = props;
  const answer = useAnswer((signal) => readPlaces(ask, subject, sample, field, signal), JSON.stringify([subject, sample, field]));
  return (
    <Shown answer={answer} what="Map">
      {(places) => (places.squares.length === 0 ? <Nothing>No document has a place.</Nothing> : <Drawn places={places} field={field} />)}
    </Shown>
  );
}

function Drawn(props: { places: Places; field: string }): ComponentChildren {
  const { formats } = useShared();
  const { places } = props;
  const all = places.squares.reduce((sum, square) => sum + square.documents, 0);
  const digits = Math.max(0, Math.ceil(places.zoom * Math.log10(2) - Math.log10(360)) + 1);
  const where = (square: Square): string => {
    const [x, y] = [square.x, square.y].map((one) => (one + 0.5) / 2 ** places.zoom) as [number, number];
    return degrees(latitudeOf(y), longitudeOf(x), digits);
  };
  const first = [...places.squares].sort((a, b) => b.documents - a.documents).slice(0, TOLD);
  return (
    <figure class="map">
      <Picture places={places} label={`Map of ${props.field}; the table below says the most frequent places in figures`} />
      <figcaption class="aside">
        Squares with documents, the darker the more, over lines of longitude and latitude (Mercator, up to 85° north and
        south). There are no coasts or borders: nothing is loaded from elsewhere.
      </figcaption>
      <table>
        <caption>Most frequent places, by the middle of their squares</caption>
        <tbody>
          {first.map((square) => (
            <tr key={`${square.x}/${square.y}`}>
              <th scope="row">{where(square)}</th>
              <td class="figure">{share(square.documents, all, formats)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function Picture(props: { places: Places; label: string }): ComponentChildren {
  const { places } = props;
  const world = 2 ** places.zoom;
  const area = areaOf(places);
  const most = Math.max(...places.squares.map((square) => square.documents));
  const part = { x: area.x / world, y: area.y / world, width: area.width / world, height: area.height / world };
  return (
    <MapFrame area={part} label={props.label}>
      {(size) =>
        places.squares.map((square) => (
          <rect
            key={`${square.x}/${square.y}`}
            class="square"
            x={((square.x - area.x) / world) * size}
            y={((square.y - area.y) / world) * size}
            width={size / world}
            height={size / world}
            fill-opacity={0.3 + 0.7 * (Math.log1p(square.documents) / Math.log1p(most))}
          />
        ))
      }
    </MapFrame>
  );
}

/** A part of the world under lines of longitude and latitude; its children are given how many pixels the world's side has. */
export function MapFrame(props: { area: Area; label: string; children: (size: number) => ComponentChildren }): ComponentChildren {
  const { area } = props;
  const size = Math.min(WIDTH_PX / area.width, MOST_HEIGHT_PX / area.height);
  const [width, height] = [area.width * size, area.height * size];
  const xOf = (longitude: number): number => (eastOf(longitude) - area.x) * size;
  const yOf = (latitude: number): number => (southOf(latitude) - area.y) * size;
  const west = longitudeOf(area.x);
  const east = longitudeOf(area.x + area.width);
  const north = latitudeOf(area.y);
  const south = latitudeOf(area.y + area.height);
  return (
    <svg viewBox={`-40 -2 ${width + 44} ${height + 20}`} width={width + 44} height={height + 22} role="img" aria-label={props.label}>
      <rect class="sea" width={width} height={height} />
      {props.children(size)}
      {graticule(west, east).map((longitude) => (
        <g key={`east ${longitude}`}>
          <line x1={xOf(longitude)} x2={xOf(longitude)} y1={0} y2={height} />
          <text x={xOf(longitude)} y={height + 14} text-anchor="middle">
            {longitudeWithin(longitude)}°
          </text>
        </g>
      ))}
      {graticule(south, north).map((latitude) => (
        <g key={`north ${latitude}`}>
          <line x1={0} x2={width} y1={yOf(latitude)} y2={yOf(latitude)} />
          <text x={-4} y={yOf(latitude) + 4} text-anchor="end">
            {latitude}°
          </text>
        </g>
      ))}
    </svg>
  );
}
