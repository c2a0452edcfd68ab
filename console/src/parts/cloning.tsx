/** A copy of a job under another id: as a manifest, or at once where that is allowed. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAnswer } from "./asking";
import { useShared } from "./context";
import { Copyable } from "./copying";
import { Dialog } from "./dialog";
import { To } from "./marks";
import { Shown } from "./states";
import { readConfigs, type Configs } from "../rest/configs";
import { readJobs, type Job } from "../rest/jobs";
import { ServerError } from "../rest/server";
import { callLine, stateWords } from "../shape/actions";
import { cloneCalls, exportCommand, idFault } from "../shape/cloning";

/** The dialog that clones a job. */
export function Cloning(props: {
  job: Job;
  jobs: readonly Job[];
  onClose: () => void;
  onDone: () => void;
}): ComponentChildren {
  const { ask } = useShared();
  const configs = useAnswer((signal) => readConfigs(ask, props.job, false, signal), props.job.id);
  return (
    <Dialog title={`Clone: ${props.job.id}`} onClose={props.onClose}>
      <p>A copy has the configuration, and neither model nor results. Nobody manages it before a manifest takes it over.</p>
      <Shown answer={configs} what="The configuration">
        {(found) => <Copy configs={found} {...props} />}
      </Shown>
      <p>
        <To place={{ view: "new", params: { clone: props.job.id } }}>Change the copy in a wizard</To>, which ends in a manifest or a running job.
      </p>
      <h3>As a manifest</h3>
      <p>Or write the job as manifests, and give them another name and, where they have them, other ids:</p>
      <Copyable what="The command" text={exportCommand(props.job.id)} />
      <div class="tools">
        <button type="button" onClick={props.onClose}>
          Close this dialog
        </button>
      </div>
    </Dialog>
  );
}

function Copy(props: { configs: Configs; jobs: readonly Job[]; onDone: () => void }): ComponentChildren {
  const { ask } = useShared();
  const [id, setId] = useState("");
  const [said, setSaid] = useState<{ good: boolean; words: string }>();
  const [busy, setBusy] = useState(false);
  const fault = idFault(id, props.jobs.flatMap((job) => [job.id, ...job.groups]));
  const calls = cloneCalls(props.configs.job, props.configs.feed, id || "ID");
  const make = async (): Promise<void> => {
    setBusy(true);
    try {
      for (const call of calls) {
        setSaid({ good: true, words: `${call.words} …` });
        await ask(call.method, call.path, call.body);
      }
      const made = (await readJobs(ask)).find((job) => job.id === id);
      setSaid(
        made === undefined
          ? { good: false, words: "the server answered, and has no such job" }
          : { good: true, words: `done: ${id}: ${stateWords(made)}` },
      );
    } catch (error) {
      const advice = error instanceof ServerError ? ` ${error.advice}` : "";
      setSaid({ good: false, words: `failed: ${(error as Error).message}${advice}` });
    }
    setBusy(false);
    props.onDone();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (fault === undefined && !busy) {
          void make();
        }
      }}
    >
      <label class="search">
        Id of the copy <input value={id} autocomplete="off" onInput={(event) => setId(event.currentTarget.value)} />
      </label>
      {id !== "" && fault !== undefined && !said?.good && (
        <p class="problem" role="alert">
          {fault}
        </p>
      )}
      <ol class="calls">
        {calls.map((call) => (
          <li key={call.path}>
            {call.words}: <code>{callLine(call)}</code>
          </li>
        ))}
      </ol>
      <div class="tools">
        <button type="submit" disabled={fault !== undefined || busy}>
          Make the copy
        </button>
        <span role="status" class={said === undefined || said.good ? "" : "problem"}>
          {said?.words}
        </span>
      </div>
    </form>
  );
}
