/** Severity bands of anomaly scores, with the words and colours of the command line. */

export interface Severity {
  readonly name: string;
  readonly threshold: number;
  readonly colour: string;
}

export const BANDS: readonly Severity[] = [
  { name: "critical", threshold: 75, colour: "#fe5050" },
  { name: "major", threshold: 50, colour: "#fba740" },
  { name: "minor", threshold: 25, colour: "#fdec25" },
  { name: "warning", threshold: 3, colour: "#8bc8fb" },
  { name: "low", threshold: 0, colour: "#d2e9f7" },
];

/** The band of a score of 0 to 100. */
export function severity(score: number): Severity {
  return BANDS.find((band) => score >= band.threshold) ?? (BANDS[BANDS.length - 1] as Severity);
}
