/** Reads calendars for the operator's tests to compare. */

import { readFileSync } from "node:fs";
import { IcsError } from "../src/shape/ics/rules";
import { occurrences, readIcs } from "../src/shape/ics/reading";

interface Case {
  readonly text: string;
  readonly zone: string;
  readonly from: number;
  readonly to: number;
}

/** What the cases of standard input come to, as JSON: events at their times, in their order, and what was skipped; or why nothing. */
export function icsCases(): string {
  const cases: Case[] = JSON.parse(readFileSync(0, "utf8"));
  return JSON.stringify(cases.map(readOne));
}

function readOne({ text, zone, from, to }: Case): unknown {
  try {
    const { events, skipped } = readIcs(text, zone);
    return { found: events.map((event) => occurrences(event, { from, to }).map((one) => [one.description, one.from, one.to])), skipped };
  } catch (error) {
    if (error instanceof IcsError) {
      return { refused: error.message };
    }
    throw error;
  }
}
