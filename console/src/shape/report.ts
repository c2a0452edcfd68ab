/** Reports of `anomalyops investigate --report x.json`, read from a file that somebody gives. */

/** Something that may be the cause. */
export interface Suspect {
  readonly entity: string;
  readonly fields: readonly string[];
  /** 0 to 1. */
  readonly likelihood: number;
  readonly onsetMs: number;
  readonly jobs: readonly string[];
  readonly worst: number;
}

/** What an investigation found. */
export interface Report {
  readonly from: number;
  readonly to: number;
  /** Why nothing was found; empty where something was. */
  readonly empty: string;
  readonly cause: string;
  readonly fault: string;
  readonly severity: string;
  readonly actions: readonly string[];
  readonly suspects: readonly Suspect[];
  readonly leads: readonly string[];
  readonly jobs: readonly string[];
  readonly notes: readonly string[];
}

/**
 * The report that a file holds.
 *
 * @throws Error that says what the file is not.
 */
export function readReport(text: string): Report {
  let found: any;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error("The file is no JSON: give the report that `anomalyops investigate --report x.json` writes.");
  }
  if (typeof found?.window !== "object" || found.window === null || !Array.isArray(found.suspects)) {
    throw new Error("The file is no report of an investigation: it has no window and no suspects.");
  }
  const [from, to] = [Date.parse(found.window.start), Date.parse(found.window.end)];
  if (Number.isNaN(from) || Number.isNaN(to)) {
    throw new Error("The window of the report has no times.");
  }
  return {
    from,
    to,
    empty: word(found.empty?.message),
    cause: word(found.rootCause),
    fault: word(found.faultClass),
    severity: word(found.severity),
    actions: list(found.recommendedActions),
    suspects: found.suspects.map((one: any) => ({
      entity: word(one?.entity),
      fields: list(one?.fields),
      likelihood: Number(one?.likelihood ?? 0),
      onsetMs: Date.parse(one?.onset),
      jobs: list(one?.jobs),
      worst: Number(one?.maxScore ?? 0),
    })),
    leads: (Array.isArray(found.leads) ? found.leads : []).map(
      (one: any) => `${word(one?.leader?.entity)} in ${word(one?.leader?.job)} comes ${Number(one?.seconds ?? 0)} s before ${word(one?.follower?.entity)} in ${word(one?.follower?.job)}`,
    ),
    jobs: list(found.affectedJobs),
    notes: list(found.notes),
  };
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
