/** What is said of a model snapshot: its description, and whether the server keeps it. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Job } from "../../rest/jobs";
import { snapshotChanges, snapshotLeft, type Snapshot } from "../../rest/snapshots/snapshots";
import { ownerWords, retainedChange } from "../../shape/ownership";
import { useShared } from "../context";
import { Copyable } from "../copying";
import { Dialog } from "../dialog";
import { Doing } from "../doing";
import { Check, TextInput } from "../wizard/inputs";

/** The dialog; of a job that a manifest has, it shows what to commit. */
export function SnapshotDialog(props: { job: Job; snapshot: Snapshot; onDone: () => void; onClose: () => void }): ComponentChildren {
  const { ask } = useShared();
  const { job, snapshot } = props;
  const [description, setDescription] = useState(snapshot.description);
  const [retained, setRetained] = useState(snapshot.retained);
  const wanted = { description, retained };
  return (
    <Dialog title={`Model snapshot: ${snapshot.id}`} onClose={props.onClose}>
      <TextInput label="Description" value={description} onValue={setDescription} wide />
      {job.mark === undefined ? (
        <>
          <Check label="Keep it for good: the server deletes others when they are old" value={retained} onValue={setRetained} />
          <Doing
            changes={snapshotChanges(job.id, snapshot.id, snapshot, wanted)}
            left={() => snapshotLeft(ask, job.id, snapshot.id, wanted)}
            verb="Change the snapshot"
            fault={undefined}
            onDone={props.onDone}
            onClose={props.onClose}
          />
        </>
      ) : (
        <>
          <p class="notable">A manifest has this job, so it says which snapshots are kept: {ownerWords(job.mark)}</p>
          <Copyable what="Change of the manifest" text={retainedChange(job.mark, snapshot.id, description)} />
          <div class="tools">
            <button type="button" onClick={props.onClose}>
              Close this dialog
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}
