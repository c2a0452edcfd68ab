/** The model snapshots of a job, with the way back to each. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { Nothing, Shown } from "../states";
import { READS_ONLY, writesAllowed } from "../writes";
import { SnapshotDialog } from "./changing";
import { Reverting } from "./reverting";
import type { Job } from "../../rest/jobs";
import { readSnapshots, type Snapshot } from "../../rest/snapshots/snapshots";
import { bytes, number, time } from "../../shape/format";

/** The list. */
export function SnapshotsOf(props: { job: Job; onDone: () => void }): ComponentChildren {
  const { ask, formats } = useShared();
  const { job } = props;
  const [round, setRound] = useState(0);
  const answer = useAnswer((signal) => readSnapshots(ask, job.id, signal), `${job.id} ${round}`);
  const [chosen, setChosen] = useState<Snapshot>();
  const [edited, setEdited] = useState<Snapshot>();
  const [changed, setChanged] = useState(false);
  const close = (): void => {
    setChosen(undefined);
    if (changed) {
      props.onDone();
    }
  };
  return (
    <>
      <h2>Model snapshots</h2>
      {!writesAllowed() && <p class="aside">{READS_ONLY}</p>}
      <Shown answer={answer} what="Model snapshots">
        {({ snapshots, total, current }) =>
          snapshots.length === 0 ? (
            <Nothing>The job has none yet: one is made every few hours of data, and when the job is closed.</Nothing>
          ) : (
            <div class="scrolling" tabIndex={0} role="region" aria-label="Model snapshots">
              <table>
                <caption>
                  The newest {number(snapshots.length, formats)} of {number(total, formats)}
                </caption>
                <thead>
                  <tr>
                    <th scope="col">Snapshot</th>
                    <th scope="col">Made</th>
                    <th scope="col">Has learnt up to</th>
                    <th scope="col" class="figure">Model</th>
                    <th scope="col">Description</th>
                    <th scope="col">Kept</th>
                    {writesAllowed() && <th scope="col">Actions</th>}
                  </tr>
                </thead>
                <tbody>
                  {snapshots.map((one) => (
                    <Row key={one.id} snapshot={one} current={one.id === current} onChoose={() => setChosen(one)} onEdit={() => setEdited(one)} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
      {edited && (
        <SnapshotDialog
          job={job}
          snapshot={edited}
          onClose={() => setEdited(undefined)}
          onDone={() => {
            setEdited(undefined);
            setRound(round + 1);
          }}
        />
      )}
      {chosen && (
        <Reverting job={job} snapshot={chosen} onClose={close} onDone={() => setChanged(true)} />
      )}
    </>
  );
}

function Row(props: { snapshot: Snapshot; current: boolean; onChoose: () => void; onEdit: () => void }): ComponentChildren {
  const { formats } = useShared();
  const { snapshot } = props;
  return (
    <tr>
      <th scope="row">
        {snapshot.id}
        {props.current && <span class="tag">in use</span>}
      </th>
      <td class="moment">{time(snapshot.takenMs, formats)}</td>
      <td class="moment">{snapshot.latestRecordMs === undefined ? "nothing" : time(snapshot.latestRecordMs, formats)}</td>
      <td class="figure">{snapshot.bytes === undefined ? "" : bytes(snapshot.bytes, formats)}</td>
      <td>{snapshot.description}</td>
      <td>{snapshot.retained ? "for good" : ""}</td>
      {writesAllowed() && (
        <td>
          <button type="button" aria-label={`Go back to ${snapshot.id}`} onClick={props.onChoose}>
            Go back…
          </button>{" "}
          <button type="button" aria-label={`Change ${snapshot.id}`} onClick={props.onEdit}>
            Change…
          </button>
        </td>
      )}
    </tr>
  );
}
