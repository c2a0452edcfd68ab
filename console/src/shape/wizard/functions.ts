/** Detector functions that the wizards offer, in words, with what they look at and how a chart shows it. */

/** What a function needs a field of: nothing, a number, or any value. */
export type Needs = "nothing" | "number" | "value";

/** A function of a detector. */
export interface FunctionInWords {
  readonly name: string;
  readonly words: string;
  /** What is said behind the field; empty for both sides. */
  readonly side: string;
  readonly needs: Needs;
}

const sides = (name: string, words: string, needs: Needs): FunctionInWords[] => [
  { name, words, side: "", needs },
  { name: `high_${name}`, words, side: ", only when high", needs },
  { name: `low_${name}`, words, side: ", only when low", needs },
];

/** All of them, in the order in which they are offered. */
export const FUNCTIONS: readonly FunctionInWords[] = [
  ...sides("count", "number of documents", "nothing"),
  ...sides("non_zero_count", "number of documents, buckets without any left out", "nothing"),
  ...sides("mean", "mean", "number"),
  ...sides("median", "median", "number"),
  { name: "min", words: "least value", side: "", needs: "number" },
  { name: "max", words: "greatest value", side: "", needs: "number" },
  ...sides("sum", "sum", "number"),
  ...sides("non_null_sum", "sum, buckets without any value left out", "number"),
  ...sides("varp", "variance", "number"),
  ...sides("distinct_count", "number of different values", "value"),
  ...sides("info_content", "amount of information in the values", "value"),
  { name: "time_of_day", words: "documents at an unusual time of the day", side: "", needs: "nothing" },
  { name: "time_of_week", words: "documents at an unusual time of the week", side: "", needs: "nothing" },
];

/** What a wizard offers: in a population every member has a value in a bucket, or none counts. */
export function offered(population: boolean): readonly FunctionInWords[] {
  return population ? FUNCTIONS.filter((one) => plain(one.name) !== "non_zero_count") : FUNCTIONS;
}

/** A function by its name; undefined where the wizards do not offer it. */
export function functionOf(name: string): FunctionInWords | undefined {
  return FUNCTIONS.find((one) => one.name === name);
}

/** A function without its side. */
export function plain(name: string): string {
  return name.replace(/^(high|low)_/, "");
}

/** Whether documents are counted, which needs more of them in a bucket than a mean does. */
export function counts(name: string): boolean {
  return ["count", "non_zero_count", "time_of_day", "time_of_week", "rare", "freq_rare"].includes(plain(name));
}

export const NUMBERS: ReadonlySet<string> = new Set([
  "long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long",
]);
export const VALUES: ReadonlySet<string> = new Set(["keyword", "constant_keyword", "wildcard", "ip", "boolean", "version"]);
export const TEXTS: ReadonlySet<string> = new Set(["text", "match_only_text"]);
export const DATES: ReadonlySet<string> = new Set(["date", "date_nanos"]);
export const PLACES: ReadonlySet<string> = new Set(["geo_point"]);
