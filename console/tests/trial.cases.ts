/** Alarms of generated buckets as the page counts them, for `anomalyops backtest` to compare. */

import { alarmsAWeek, alarmsByWeek, alarmsOf } from "../src/shape/wizard/trial";
import { integer, seeded } from "./generated";

/** Writes cases as JSON. */
export function alarmCases(count: number): string {
  const cases = [...seeded(count)].map((random) => {
    const spanS = [60, 300, 900, 3600, 86_400][integer(random, 0, 4)] as number;
    const from = integer(random, 0, 2_000_000_000) * 1000;
    let at = from;
    const buckets = Array.from({ length: integer(random, 0, 30) }, () => {
      at += integer(random, 1, random() < 0.5 ? 3 : 500) * spanS * 1000;
      return [at, 50 + integer(random, 0, 5000) / 100] as const;
    });
    const range = { from, to: at + integer(random, 1, 3) * spanS * 1000 };
    const alarms = alarmsOf(buckets, spanS * 1000);
    return { spanS, buckets, range, alarms, aWeek: alarmsAWeek(alarms, range), byWeek: alarmsByWeek(alarms, range) };
  });
  return JSON.stringify(cases);
}
