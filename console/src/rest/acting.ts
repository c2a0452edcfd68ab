/** Carries out what was planned for jobs, and looks until the server says what came of it. */

import type { Call, Judged, Plan } from "../shape/actions";
import { readJobs, type Job } from "./jobs";
import { ServerError, type Ask } from "./server";

/** How far one job is. */
export interface Progress {
  readonly state: "waiting" | "calling" | "watching" | "done" | "failed";
  readonly words: string;
  /** The share of a long task that is done, from 0 to 1; undefined where the server tells none. */
  readonly share?: number | undefined;
}

/** Plans that are calls. */
export type Calls = Extract<Plan, { kind: "calls" }>;

/** How many jobs are worked on at once. */
const AT_ONCE = 4;
/** What the console answers where the server takes longer than it waits: nothing is known then, and it is looked. */
const NOT_IN_TIME = [408, 504];

/** What carrying out needs beside the server. */
export interface Carrying {
  /** Compares what a job is with what it was to be; undefined is a job that the server has no more. */
  readonly judge: (job: Job | undefined) => Judged;
  readonly tell: (id: string, progress: Progress) => void;
  /** Waits before the next look. */
  readonly pause: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** The calls of a job that were made, and the task that they left. */
interface Watched {
  readonly id: string;
  readonly task: string | undefined;
  readonly patient: boolean;
}

/** Carries out plans, several jobs at once; one that fails stops no other. */
export async function carryOut(ask: Ask, plans: readonly Calls[], carrying: Carrying): Promise<void> {
  for (const plan of plans) {
    carrying.tell(plan.job.id, { state: "waiting", words: "waiting for its turn" });
  }
  const queue = [...plans];
  const watched: Watched[] = [];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && !carrying.signal.aborted; next = queue.shift()) {
      const made = await makeCalls(ask, next, carrying);
      if (made !== undefined) {
        watched.push(made);
      }
    }
  };
  const workers = Array.from({ length: Math.min(AT_ONCE, plans.length) }, worker);
  await Promise.all(workers);
  await watch(ask, watched, carrying);
}

async function makeCalls(ask: Ask, plan: Calls, { tell }: Carrying): Promise<Watched | undefined> {
  const { id } = plan.job;
  let task: string | undefined;
  let patient = false;
  for (const call of plan.calls) {
    tell(id, { state: "calling", words: call.words });
    try {
      const answer = await ask(call.method, call.path, call.body);
      task = typeof answer.task === "string" ? answer.task : task;
    } catch (error) {
      if (isLate(error) && call === plan.calls[plan.calls.length - 1]) {
        patient = true;
        continue;
      }
      tell(id, { state: "failed", words: failureWords(call, error) });
      return undefined;
    }
  }
  tell(id, { state: "watching", words: "looking at what came of it" });
  return { id, task, patient };
}

function isLate(error: unknown): boolean {
  return error instanceof ServerError && NOT_IN_TIME.includes(error.status);
}

function failureWords(call: Call, error: unknown): string {
  const advice = error instanceof ServerError && error.advice !== "" ? ` ${error.advice}` : "";
  return `could not ${call.words}: ${error instanceof Error ? error.message : String(error)}${advice}`;
}

/** Looks at all jobs with one question after the other, until each is what it was to be, or stays something else. */
async function watch(ask: Ask, watched: readonly Watched[], carrying: Carrying): Promise<void> {
  let open = [...watched];
  while (open.length > 0 && !carrying.signal.aborted) {
    try {
      const jobs = new Map((await readJobs(ask)).map((job) => [job.id, job]));
      const left = await Promise.all(open.map(async (one) => await stillOpen(ask, one, jobs.get(one.id), carrying)));
      open = open.filter((_one, index) => left[index]);
    } catch (error) {
      for (const { id } of open) {
        carrying.tell(id, { state: "watching", words: `not known yet: ${(error as Error).message}` });
      }
    }
    if (open.length > 0) {
      await carrying.pause();
    }
  }
}

/** Tells how a job is; whether it is to be looked at again. */
async function stillOpen(ask: Ask, one: Watched, job: Job | undefined, carrying: Carrying): Promise<boolean> {
  const { judge, tell } = carrying;
  const judged = judge(job);
  const task = one.task === undefined ? undefined : await readTask(ask, one.task);
  if (task?.failure !== undefined) {
    tell(one.id, { state: "failed", words: `${task.failure}; ${judged.words}` });
    return false;
  }
  if (judged.verdict === "reached") {
    tell(one.id, { state: "done", words: judged.words });
    return false;
  }
  // The server may have answered that it begins before anything can be seen of it.
  if (judged.verdict === "not yet" || one.patient || task?.completed === false) {
    tell(one.id, { state: "watching", words: judged.words, share: task?.share });
    return true;
  }
  tell(one.id, { state: "failed", words: `it did not come about: ${judged.words}` });
  return false;
}

interface Task {
  readonly completed: boolean;
  readonly failure: string | undefined;
  readonly share: number | undefined;
}

/** A task as the server has it; undefined where it cannot be read: then the job's state alone tells. */
async function readTask(ask: Ask, id: string): Promise<Task | undefined> {
  try {
    return shapeTask(await ask("GET", `_tasks/${encodeURIComponent(id)}`));
  } catch (error) {
    if (error instanceof ServerError && error.status !== 0 && error.status < 500) {
      return undefined;
    }
    throw error;
  }
}

/** The task of the server's answer. */
export function shapeTask(answer: any): Task {
  const { total, deleted } = answer.task?.status ?? {};
  return {
    completed: answer.completed === true,
    failure: answer.error === undefined ? undefined : String(answer.error.reason ?? answer.error.type),
    share: typeof total === "number" && typeof deleted === "number" && total > 0 ? deleted / total : undefined,
  };
}
