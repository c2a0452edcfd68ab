/** The unusual places of a detector on a map, each with where it was to be. */

import type { ComponentChildren } from "preact";
import { useShared } from "../context";
import { MapFrame } from "../map";
import { Nothing } from "../states";
import type { Chosen } from "../../rest/series/distribution";
import { number, score, time } from "../../shape/format";
import { departureOf, placeText } from "../../shape/figures";
import { areaAround, southOf, within } from "../../shape/mercator";
import { severity } from "../../shape/severity";

const ACTUAL_PX = 6;
const TYPICAL_PX = 4;

/** The map. */
export function PlacesOf(props: { chosen: Chosen; title: string }): ComponentChildren {
  const { formats } = useShared();
  const { chosen, title } = props;
  const found = chosen.anomalies.flatMap((anomaly) => (anomaly.places === undefined ? [] : [{ anomaly, ...anomaly.places }]));
  if (found.length === 0) {
    return <Nothing>No map: these records tell no places.</Nothing>;
  }
  const area = areaAround(found.flatMap(({ actual, typical }) => [actual, typical]));
  const named = `Map of ${number(found.length, formats)} unusual ${found.length === 1 ? "place" : "places"}: ${title}; the table of anomalies says where and when`;
  return (
    <figure class="map">
      <MapFrame area={area} label={named}>
        {(size) => {
          const at = (place: { latitude: number; longitude: number }): readonly [number, number] => [
            within(area, place.longitude) * size,
            (southOf(place.latitude) - area.y) * size,
          ];
          // The worst last, so that it lies on top.
          return [...found].reverse().map(({ anomaly, actual, typical }) => {
            const [[x, y], [left, top]] = [at(actual), at(typical)];
            return (
              <g key={`${anomaly.timeMs} ${JSON.stringify(anomaly.entities)}`}>
                <title>
                  {`${time(anomaly.timeMs, formats)}, score ${score(anomaly.score, formats)}: ${placeText(actual)}, ${departureOf(anomaly, formats)}`}
                </title>
                <line class="way" x1={left} y1={top} x2={x} y2={y} />
                <circle class="typical" cx={left} cy={top} r={TYPICAL_PX} />
                <circle class="actual" cx={x} cy={y} r={ACTUAL_PX} fill={severity(anomaly.score).colour} />
              </g>
            );
          });
        }}
      </MapFrame>
      <figcaption class="aside">
        Full circles are where it was, in the colour of the severity, open ones where it was to be (Mercator, up to 85°
        north and south). There are no coasts or borders: nothing is loaded from elsewhere.
      </figcaption>
    </figure>
  );
}
