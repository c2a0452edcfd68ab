/** A trial of a job over the past: a job for the time of looking, and what its results come to. Figures are those of `anomalyops backtest`. */

import type { Range } from "../../state/range";
import type { Bodies, Body } from "./bodies";

const PREFIX = "trial-";
const MARK = "anomalyops_trial";
const LONGEST_ID = 64;

/** The least score, at the time of detection, of an alarm. */
export const ALARM_FROM = 50;

/** Which ids trials have, for a question to the server. */
export const TRIALS = `${PREFIX}*`;

/**
 * The job that runs for a trial: the same detectors over the past and no further, in no group that somebody watches.
 *
 * @param token What tells this trial from others: small letters and digits.
 */
export function trialOf(bodies: Bodies, range: Range, token: string): Bodies {
  const name = `${PREFIX}${token}-${bodies.name}`.slice(0, LONGEST_ID).replace(/[-_.]+$/, "");
  const { groups: _groups, custom_settings: settings, ...rest } = bodies.job;
  const job: Body = { ...rest, description: `A trial of ${bodies.name} from the console; it is deleted when it has been looked at`, custom_settings: { ...(settings as Body | undefined), [MARK]: true } };
  return { name, job, feed: bodies.feed, start: new Date(range.from).toISOString(), end: new Date(range.to).toISOString() };
}

/** Whether a job of the server is a trial, by its mark and not by its name alone. */
export function isTrial(job: any): boolean {
  return String(job?.job_id ?? "").startsWith(PREFIX) && job?.custom_settings?.[MARK] === true;
}

/** Buckets in a row that would have raised an alarm, one quiet bucket between them allowed. */
export interface Alarm {
  readonly fromMs: number;
  readonly toMs: number;
  /** The highest at the time of detection. */
  readonly score: number;
}

/** Alarms from anomalous buckets, in order of time. */
export function alarmsOf(buckets: readonly (readonly [startMs: number, score: number])[], spanMs: number): Alarm[] {
  const alarms: Alarm[] = [];
  for (const [startMs, score] of buckets) {
    const before = alarms.at(-1);
    if (before !== undefined && startMs - before.toMs <= spanMs) {
      alarms[alarms.length - 1] = { fromMs: before.fromMs, toMs: startMs + spanMs, score: Math.max(before.score, score) };
    } else {
      alarms.push({ fromMs: startMs, toMs: startMs + spanMs, score });
    }
  }
  return alarms;
}

const WEEK_MS = 7 * 86_400_000;

/** How many alarms a week; over less than a week, those that there are. */
export function alarmsAWeek(alarms: readonly Alarm[], range: Range): number {
  return alarms.length / Math.max(1, (range.to - range.from) / WEEK_MS);
}

/** How many alarms began in each week. */
export function alarmsByWeek(alarms: readonly Alarm[], range: Range): number[] {
  const weeks = Array.from({ length: Math.floor((range.to - range.from) / WEEK_MS) + 1 }, () => 0);
  for (const alarm of alarms) {
    const week = Math.max(0, Math.min(weeks.length - 1, Math.floor((alarm.fromMs - range.from) / WEEK_MS)));
    weeks[week] = (weeks[week] ?? 0) + 1;
  }
  return weeks;
}
