import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOut, shapeTask, type Calls, type Progress } from "../src/rest/acting";
import { shapeJobs, type Job } from "../src/rest/jobs";
import { ServerError, type Ask } from "../src/rest/server";
import { ACTIONS, judge, plan, PLAIN, type Action, type Call, type Manner } from "../src/shape/actions";
import { markOf, shellWord } from "../src/shape/ownership";
import { yamlText } from "../src/shape/yaml";
import { anyText, integer, seeded, type Random } from "./generated";

/** A server that minds the rules of job and datafeed, and whose answers the page reads. */
class Server {
  readonly calls: string[] = [];
  /** What is answered to a path instead of doing anything. */
  readonly refusals = new Map<string, ServerError>();
  /** Looks until a deletion or reset is over. */
  slow = 0;
  private readonly jobs = new Map<string, { state: string; feed: string | undefined; latest: number | undefined }>();
  private later: (() => void)[] = [];

  add(id: string, state: string, feed: string | undefined, latest: number | undefined): void {
    this.jobs.set(id, { state, feed, latest });
  }

  look(): Job[] {
    const [jobs, feeds] = ["jobs", "datafeeds"] as const;
    return shapeJobs(this.raw(jobs, ""), this.raw(jobs, "_stats"), this.raw(feeds, ""), this.raw(feeds, "_stats"));
  }

  readonly ask: Ask = async (method, path, body) => {
    if (path.startsWith("_ml/") && method === "GET") {
      this.step();
      return { jobs: this.raw("jobs", path), datafeeds: this.raw("datafeeds", path) };
    }
    if (path.startsWith("_tasks/")) {
      return { completed: this.later.length === 0 };
    }
    this.calls.push(`${method} ${path}`);
    const refusal = this.refusals.get(path);
    if (refusal !== undefined) {
      throw refusal;
    }
    return this.apply({ words: "", method, path, ...(body === undefined ? {} : { body }) });
  };

  apply(call: Call): any {
    const [, , kind, name = "", verb = ""] = /^(_ml)\/(\w+)\/([^/?]+)(?:\/(\w+))?/.exec(call.path) ?? [];
    const id = decodeURIComponent(name).replace(/^feed of /, "");
    const job = this.get(id);
    const forced = (call.body as { force?: boolean } | undefined)?.force === true;
    const allow = (allowed: boolean): void => {
      if (!allowed) {
        throw new ServerError(409, `${call.method} ${call.path} while ${job.state}, ${job.feed}`);
      }
    };
    switch (`${kind} ${call.method} ${verb}`) {
      case "anomaly_detectors POST _open":
        allow(job.state === "closed" || job.state === "opened");
        job.state = "opened";
        return {};
      case "datafeeds POST _start":
        allow(job.state === "opened" && job.feed === "stopped");
        job.feed = "started";
        return {};
      case "datafeeds POST _stop":
        allow(job.feed !== undefined);
        job.feed = "stopped";
        return {};
      case "anomaly_detectors POST _close":
        allow((job.state !== "failed" || forced) && (job.feed === undefined || job.feed === "stopped"));
        job.state = "closed";
        return {};
      case "anomaly_detectors POST _reset":
        allow(job.state === "closed");
        return this.longer(() => (job.latest = undefined));
      case "anomaly_detectors DELETE ":
        allow(job.state === "closed" && (job.feed === undefined || job.feed === "stopped"));
        return this.longer(() => this.jobs.delete(id));
      default:
        throw new Error(`no such call: ${call.method} ${call.path}`);
    }
  }

  private longer(end: () => unknown): any {
    this.later = [...Array.from({ length: this.slow }, () => () => undefined), end as () => void];
    if (this.slow === 0) {
      this.step();
    }
    return { task: "node:1" };
  }

  private step(): void {
    this.later.shift()?.();
  }

  private blocked(id: string): any {
    return this.later.length > 0 && this.get(id).state === "closed" ? { blocked: { reason: "reset", task_id: "node:1" } } : {};
  }

  private get(id: string): { state: string; feed: string | undefined; latest: number | undefined } {
    const job = this.jobs.get(id);
    assert.ok(job, `no job ${id}`);
    return job;
  }

  /** The lists as `readJobs` reads them. */
  private raw(what: "jobs" | "datafeeds", path: string): any[] {
    const stats = path.endsWith("_stats");
    return [...this.jobs].flatMap(([id, job]): any[] => {
      if (what === "datafeeds") {
        return job.feed === undefined ? [] : [{ job_id: id, datafeed_id: `feed of ${id}`, indices: [], state: job.feed }];
      }
      const counts = job.latest === undefined ? {} : { processed_record_count: 5, bucket_count: 2, latest_record_timestamp: job.latest };
      return stats
        ? [{ job_id: id, state: job.state, data_counts: counts }]
        : [{ job_id: id, analysis_config: { bucket_span: "1h", detectors: [] }, ...this.blocked(id) }];
    });
  }
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[integer(random, 0, values.length - 1)] as T;
}

function someServer(random: Random, id: string): Server {
  const server = new Server();
  const state = pick(random, ["opened", "closed", "failed"]);
  const feed = pick(random, [undefined, "stopped", "started"]);
  server.add(id, state, state === "closed" && feed === "started" ? "stopped" : feed, pick(random, [undefined, 1_000_000]));
  return server;
}

function someManner(random: Random): Manner {
  const begin = pick(random, ["beginning", "continue", 500_000, 2_000_000] as const);
  return { begin, end: pick(random, [undefined, 1_500_000, 9_000_000]), annotations: random() < 0.5 };
}

const noWait = async (): Promise<void> => undefined;

async function carried(server: Server, action: Action, manner: Manner, plans: readonly Calls[]): Promise<Map<string, Progress>> {
  const told = new Map<string, Progress>();
  const signal = AbortSignal.timeout(10_000);
  await carryOut(server.ask, plans, { judge: (job) => judge(action, job, manner), signal, pause: noWait, tell: (id, one) => told.set(id, one) });
  return told;
}

test("whatever a job is doing, an action is calls that the server takes and that bring it about, or a reason", async () => {
  let [made, refused] = [0, 0];
  for (const random of seeded(600)) {
    const server = someServer(random, "a b/ü");
    server.slow = integer(random, 0, 3);
    const [action, manner] = [pick(random, ACTIONS), someManner(random)];
    const [job] = server.look();
    const planned = plan(action, job as Job, manner);
    if (planned.kind !== "calls") {
      assert.equal(planned.kind, "refused");
      assert.match((planned as { reason: string }).reason, /./);
      refused += 1;
      continue;
    }
    made += 1;
    assert.ok(planned.calls.length > 0);
    const told = (await carried(server, action, manner, [planned])).get("a b/ü");
    assert.equal(told?.state, "done", `${action}: ${told?.words}`);
    assert.equal(judge(action, server.look()[0], manner).verdict, "reached");
  }
  assert.ok(made > 100 && refused > 100);
});

test("of several jobs one that is refused stops no other, and says why", async () => {
  for (const random of seeded(40)) {
    const server = new Server();
    const ids = Array.from({ length: integer(random, 2, 9) }, (_none, index) => `job-${index}`);
    ids.forEach((id) => server.add(id, "opened", "started", 1));
    const plans = server.look().map((job) => plan("stop", job, PLAIN)) as Calls[];
    const bad = pick(random, ids);
    server.refusals.set(`_ml/datafeeds/feed%20of%20${bad}/_stop`, new ServerError(403, "action is unauthorized"));
    const told = await carried(server, "stop", PLAIN, plans);
    for (const id of ids) {
      assert.equal(told.get(id)?.state, id === bad ? "failed" : "done");
    }
    assert.match(told.get(bad)?.words ?? "", /stop the datafeed: action is unauthorized The credentials/);
  }
});

test("success is what is read back: an answer alone is none", async () => {
  const server = new Server();
  server.add("a", "opened", "started", 1);
  const [job] = server.look();
  const planned = plan("stop", job as Job, PLAIN) as Calls;
  const lying: Ask = async (method, path, body) => (method === "POST" ? {} : await server.ask(method, path, body));
  const told = new Map<string, Progress>();
  const carrying = { judge: (now?: Job) => judge("stop", now, PLAIN), signal: AbortSignal.timeout(10_000), pause: noWait };
  await carryOut(lying, [planned], { ...carrying, tell: (id, one) => told.set(id, one) });
  assert.equal(told.get("a")?.state, "failed");
  assert.match(told.get("a")?.words ?? "", /its datafeed started/);
});

test("an answer that does not come in time is looked after, and one before the last is a failure", async () => {
  const server = new Server();
  server.add("a", "opened", "started", 1);
  const planned = plan("close", server.look()[0] as Job, PLAIN) as Calls;
  const late = (which: RegExp): Ask => async (method, path, body) => {
    const answer = await server.ask(method, path, body);
    if (which.test(path)) {
      throw new ServerError(504, "the server did not answer within 60 seconds");
    }
    return answer;
  };
  const told: Progress[] = [];
  const carrying = { judge: (now?: Job) => judge("close", now, PLAIN), signal: AbortSignal.timeout(10_000), pause: noWait };
  await carryOut(late(/_close$/), [planned], { ...carrying, tell: (_id, one) => told.push(one) });
  assert.equal(told.at(-1)?.state, "done");
  await carryOut(late(/_stop$/), [planned], { ...carrying, tell: (_id, one) => told.push(one) });
  assert.equal(told.at(-1)?.state, "failed");
});

test("a task that fails is told with its reason, and one that is unknown is not waited for", () => {
  assert.equal(shapeTask({ completed: true, error: { reason: "no space" } }).failure, "no space");
  assert.equal(shapeTask({ completed: false, task: { status: { total: 4, deleted: 1 } } }).share, 0.25);
  assert.deepEqual(shapeTask({ completed: true }), { completed: true, failure: undefined, share: undefined });
});

test("a job that a manifest has is never called, and the change names the manifest", () => {
  for (const random of seeded(200)) {
    const server = someServer(random, "a");
    const name = anyText(random) || "n";
    const mark = { cluster: pick(random, ["local", "c-1"]), namespace: "ns", name, uid: "u", since: "", datafeed: pick(random, ["", "f"]) };
    const job = { ...(server.look()[0] as Job), mark };
    const action = pick(random, ACTIONS);
    const planned = plan(action, job, someManner(random));
    assert.equal(planned.kind, "owned");
    const texts = planned.kind === "owned" ? planned.texts : [];
    // A datafeed that no manifest has is not stopped by one.
    assert.equal(texts.length > 0, action !== "stop" || mark.datafeed !== "");
    assert.ok(texts.length === 0 || texts[0]?.text.includes(yamlText(name).slice(1, -1)));
  }
});

test("a mark is read in both of its forms, and one that was left behind is nobody's", () => {
  const mark = { "anomalyops.io/cluster": "c", "anomalyops.io/namespace": "n", "anomalyops.io/name": "a" };
  assert.equal(markOf({ custom_settings: mark })?.name, "a");
  assert.equal(markOf({ custom_settings: { anomalyops: { cluster: "c", namespace: "n", name: "b" } } })?.name, "b");
  assert.equal(markOf({ custom_settings: { ...mark, "anomalyops.io/retained": "true" } }), undefined);
  assert.equal(markOf({ custom_settings: { anomalyops: { cluster: "c", name: "b", retained: true } } }), undefined);
  for (const settings of [undefined, null, {}, { anomalyops: "x" }, { "anomalyops.io/name": "a" }]) {
    assert.equal(markOf({ custom_settings: settings }), undefined);
  }
});

test("a text is one word of a shell", () => {
  assert.equal(shellWord("plain-1.x"), "plain-1.x");
  assert.equal(shellWord("it's $HOME"), "'it'\\''s $HOME'");
  assert.equal(shellWord(""), "''");
});
