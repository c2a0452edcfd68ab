/** The rows of a text: what becomes a document, and what cannot be read, each with its line. */

/** A row: cells of columns, or one JSON object as it is written. */
export type Row =
  | { readonly line: number; readonly cells: readonly string[]; readonly text: string }
  | { readonly line: number; readonly json: string; readonly text: string };

/** A row that became no document. */
export interface Rejected {
  readonly line: number;
  readonly reason: string;
  readonly text: string;
}

/** All rows of a text. */
export interface Rows {
  readonly rows: readonly Row[];
  readonly rejected: readonly Rejected[];
}

/** Lines that a record may go over; a quote that is open for longer was not meant. */
const LONGEST_RECORD = 1000;

/** Reads delimited text; what a quote hides that is opened and never closed is its own line alone. */
export function delimitedRows(text: string, delimiter: string, columns: readonly string[], header: boolean): Rows {
  const lines = linesOf(text);
  const rows: Row[] = [];
  const rejected: Rejected[] = [];
  let at = lines.findIndex((line) => line.trim() !== "");
  if (header && at >= 0) {
    at += record(lines, at, delimiter)?.used ?? 1;
  }
  while (at >= 0 && at < lines.length) {
    const line = lines[at] as string;
    if (line.trim() === "") {
      at += 1;
      continue;
    }
    const found = record(lines, at, delimiter);
    // A line without quotes that is a row by itself is none of a text that somebody quoted.
    const inner = lines.slice(at + 1, at + (found?.used ?? 1));
    const swallows = inner.some((one) => !one.includes('"') && columns.length > 1 && one.split(delimiter).length === columns.length);
    if (found?.cells.length === columns.length && !swallows) {
      rows.push({ line: at + 1, cells: found.cells, text: lines.slice(at, at + found.used).join("\n") });
      at += found.used;
    } else {
      const many = found !== undefined && found.used === 1 ? found.cells.length : undefined;
      const reason = many === undefined ? "a quote opens and is not closed in this row" : `${many} cells, the columns are ${columns.length}`;
      rejected.push({ line: at + 1, reason, text: line });
      at += 1;
    }
  }
  return { rows, rejected };
}

/** The cells of the record that begins at a line, and how many lines it has; undefined where a quote stays open. */
function record(lines: readonly string[], at: number, delimiter: string): { cells: string[]; used: number } | undefined {
  const first = lines[at] as string;
  if (!first.includes('"')) {
    return { cells: first.split(delimiter), used: 1 };
  }
  const cells: string[] = [];
  let [cell, inside, quoted] = ["", false, false];
  for (let used = 1; used <= LONGEST_RECORD && at + used <= lines.length; used++) {
    const line = lines[at + used - 1] as string;
    for (let k = 0; k < line.length; k++) {
      const letter = line[k] as string;
      if (inside) {
        if (letter !== '"') {
          cell += letter;
        } else if (line[k + 1] === '"') {
          cell += letter;
          k += 1;
        } else if (k + 1 < line.length && line[k + 1] !== delimiter) {
          return undefined;
        } else {
          inside = false;
        }
      } else if (letter === delimiter) {
        cells.push(cell);
        [cell, quoted] = ["", false];
      } else if (letter === '"' && cell === "" && !quoted) {
        [inside, quoted] = [true, true];
      } else {
        cell += letter;
      }
    }
    if (!inside) {
      return { cells: [...cells, cell], used };
    }
    cell += "\n";
  }
  return undefined;
}

/** Reads one JSON object a line. */
export function jsonRows(text: string): Rows {
  const rows: Row[] = [];
  const rejected: Rejected[] = [];
  linesOf(text).forEach((line, k) => {
    if (line.trim() !== "") {
      const reason = noObject(line);
      if (reason === "") {
        rows.push({ line: k + 1, json: line.trim(), text: line });
      } else {
        rejected.push({ line: k + 1, reason, text: line });
      }
    }
  });
  return { rows, rejected };
}

function noObject(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? "" : "no JSON object";
  } catch {
    return "no JSON";
  }
}

/** Reads lines that an expression with named groups takes apart; `-` says nothing. */
export function patternRows(text: string, pattern: RegExp, columns: readonly string[]): Rows {
  const rows: Row[] = [];
  const rejected: Rejected[] = [];
  linesOf(text).forEach((line, k) => {
    if (line.trim() === "") {
      return;
    }
    const groups = pattern.exec(line)?.groups;
    if (groups === undefined) {
      rejected.push({ line: k + 1, reason: "not a line like the others", text: line });
    } else {
      const cells = columns.map((name) => (groups[name] === undefined || groups[name] === "-" ? "" : groups[name]));
      rows.push({ line: k + 1, cells, text: line });
    }
  });
  return { rows, rejected };
}

/**
 * The objects of a JSON array, one a line and as they are written, so that no digit of a number is read.
 *
 * @returns undefined where the text is no JSON array.
 */
export function arrayLines(text: string): string | undefined {
  if (!text.trimStart().startsWith("[") || noArray(text)) {
    return undefined;
  }
  const items: string[] = [];
  let [depth, start, inside] = [0, -1, false];
  for (let k = 0; k < text.length; k++) {
    const letter = text[k] as string;
    if (inside) {
      if (letter === "\\") {
        k += 1;
      } else if (letter === '"') {
        inside = false;
      }
      continue;
    }
    if (letter === '"') {
      inside = true;
    } else if (letter === "[" || letter === "{") {
      depth += 1;
      start = depth === 1 ? k + 1 : start;
    } else if (letter === "]" || letter === "}") {
      depth -= 1;
    }
    if ((depth === 1 && letter === ",") || (depth === 0 && letter === "]")) {
      items.push(text.slice(start, k));
      start = k + 1;
    }
  }
  // Between the parts of JSON a line's end is a space; within texts there is none.
  return items.map((item) => item.replace(/[\r\n]+/g, " ").trim()).filter((item) => item !== "").join("\n");
}

function noArray(text: string): boolean {
  try {
    return !Array.isArray(JSON.parse(text));
  } catch {
    return true;
  }
}

/** The lines of a text, without their ends. */
export function linesOf(text: string): string[] {
  return text.split(/\r\n|\n|\r/);
}
