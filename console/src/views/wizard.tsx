/** Wizards: from an index to a job, as a manifest or running; a form whose whole state is in the address. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { shown, useAnswer } from "../parts/asking";
import { useShared } from "../parts/context";
import { Copyable } from "../parts/copying";
import { Nothing, Shown } from "../parts/states";
import { Categories, Estimates, Messages, Previews, Rows } from "../parts/wizard/checks";
import { Ending } from "../parts/wizard/ending";
import { Check, TextInput } from "../parts/wizard/inputs";
import { KindInput, LookingInputs } from "../parts/wizard/looking";
import { IndexInput, SourceInputs, SourceWords, type Change } from "../parts/wizard/source";
import { Trying } from "../parts/wizard/trying";
import { look, readFields, readTimes, sourceOfForm, type Field, type Looked } from "../rest/wizard";
import { exportCommand } from "../shape/ownership";
import { limitFor, messagesOf } from "../shape/wizard/advice";
import { bodiesOf, formOfBodies, objectOf, type Bodies } from "../shape/wizard/bodies";
import { READY } from "../shape/wizard/catalog";
import { copyOf } from "../shape/wizard/cloning";
import { withDefaults } from "../shape/wizard/defaults";
import { objectName } from "../shape/wizard/manifest";
import { formOf, indicesOf, KIND_WORDS, paramsOf, type Form } from "../shape/wizard/form";
import { formatPlace } from "../state/place";
import { parseTime, type Range } from "../state/range";
import { Ready, ReadyLink } from "./ready";

/** The wizards. */
export function Wizard(): ComponentChildren {
  const { place } = useShared();
  const cloned = place.params["clone"];
  return (
    <main id="main">
      <h1>New job</h1>
      {place.params["kind"] === READY ? <Ready /> : cloned === undefined ? <Filling /> : <Cloning key={cloned} id={cloned} />}
    </main>
  );
}

/** Reads a job, and goes on to the form that would make the same one. */
function Cloning(props: { id: string }): ComponentChildren {
  const { ask, place } = useShared();
  const answer = useAnswer(async () => {
    const id = encodeURIComponent(props.id);
    const [job, feeds] = await Promise.all([ask("GET", `_ml/anomaly_detectors/${id}`), ask("GET", "_ml/datafeeds")]);
    const feed = feeds.datafeeds.find((one: any) => one.job_id === props.id);
    return feed === undefined ? null : formOfBodies(copyOf(job.jobs[0], feed, `${props.id}-copy`));
  }, props.id);
  const form = shown(answer);
  useEffect(() => {
    if (form !== undefined && form !== null) {
      // In place of this address: the way back would lead here, and on to the form again.
      location.replace(formatPlace({ view: "new", params: withZone(place.params, paramsOf(form)) }));
    }
  }, [form]);
  return (
    <Shown answer={answer} what="Job">
      {(found) => found === null && <Unfed id={props.id} />}
    </Shown>
  );
}

/** What is said of a job that reads no index, as every job of a wizard does. */
function Unfed(props: { id: string }): ComponentChildren {
  return (
    <>
      <p class="condition notable">
        The job {props.id} has no datafeed: its clients post documents to it. What a wizard makes reads an index, so it cannot make this copy. The command
        line can: write the job as a manifest, give it another name and, where it has one, another id.
      </p>
      <Copyable what="The command" text={exportCommand(props.id)} />
    </>
  );
}

function withZone(before: Readonly<Record<string, string>>, params: Record<string, string>): Record<string, string> {
  return before["zone"] === undefined ? params : { ...params, zone: before["zone"] };
}

function Filling(): ComponentChildren {
  const { ask, place, go } = useShared();
  const form = formOf(place.params);
  const change: Change = (changes) => go({ view: "new", params: withZone(place.params, paramsOf({ ...form, ...changes })) });
  const named = indicesOf(form).length > 0;
  const fields = useAnswer(async (signal) => (named ? await readFields(ask, indicesOf(form).join(","), signal) : null), form.index);
  const known = shown(fields);
  return (
    <>
      <p class="aside">{KIND_WORDS[form.kind].words}.</p>
      <section aria-label="Data" class="step">
        <h2>Data</h2>
        <div class="inputs">
          <KindInput form={form} whole={withDefaults(form, known ?? [])} change={change} />
          <IndexInput form={form} change={change} />
        </div>
        <Shown answer={fields} what="Fields">
          {(found) =>
            found === null ? (
              <Nothing>Name an index: its fields, times and values are looked at, and nothing is changed.</Nothing>
            ) : (
              <>
                <SourceInputs form={withDefaults(form, found)} fields={found} change={change} />
                <ReadyLink {...withDefaults(form, found)} fields={found} />
              </>
            )
          }
        </Shown>
      </section>
      {known && <Whole form={withDefaults(form, known)} fields={known} change={change} />}
    </>
  );
}

/** All that follows once the fields are known. */
function Whole(props: { form: Form; fields: readonly Field[]; change: Change }): ComponentChildren {
  const { ask, now } = useShared();
  const { form, fields, change } = props;
  const query = form.query === "" ? undefined : objectOf(form.query);
  const source = sourceOfForm(form, query);
  const times = useAnswer(
    async (signal) => (form.timeField === "" ? null : await readTimes(ask, source, signal, rangeOf(form, now))),
    JSON.stringify([source, form.from, form.to]),
  );
  const found = shown(times);
  const range = found?.first === undefined || found?.last === undefined ? undefined : { from: found.first, to: found.last + 1 };
  const made = bodiesOf(form);
  return (
    <>
      <Shown answer={times} what="Documents">
        {(there) => (there === null ? null : <SourceWords times={there} />)}
      </Shown>
      <section aria-label="What to look for" class="step">
        <h2>What to look for</h2>
        <LookingInputs form={form} fields={fields} change={change} />
      </section>
      <section aria-label="Job" class="step">
        <h2>Job</h2>
        <Details form={form} change={change} />
      </section>
      {made.bodies === undefined ? (
        <section aria-label="Still missing" class="step">
          <h2>Still missing</h2>
          <ul class="messages" aria-label="Still missing">
            {made.problems.map((one) => (
              <li class="condition notable" key={one.field + one.text}>
                {one.text}
              </li>
            ))}
          </ul>
        </section>
      ) : (
        <Checked form={form} bodies={made.bodies} range={range ?? rangeOf(form, now)} change={change} />
      )}
    </>
  );
}

function rangeOf(form: Form, now: number): Range {
  return { from: parseTime(form.from, now) ?? 0, to: parseTime(form.to, now) ?? Number.MAX_SAFE_INTEGER };
}

function Details(props: { form: Form; change: Change }): ComponentChildren {
  const { form, change } = props;
  const simple = form.kind !== "advanced";
  return (
    <div class="inputs">
      <TextInput label="Job id" value={form.name} onValue={(name) => change({ name })} />
      {simple && (
        <>
          <TextInput label="Bucket span" value={form.span} onValue={(span) => change({ span })} hint="Data are summed up in buckets: 15m, 1h." />
          <TextInput label="Memory limit" value={form.memory} onValue={(memory) => change({ memory })} placeholder="as the server estimates" />
          <TextInput label="Query delay" value={form.delay} onValue={(delay) => change({ delay })} hint="How late documents may come." />
          <TextInput label="Groups" value={form.groups.join(", ")} onValue={(text) => change({ groups: text.split(",").map((one) => one.trim()).filter(Boolean) })} hint="With commas." />
          <TextInput label="Description" value={form.description} onValue={(description) => change({ description })} wide />
          <Check label="Keep what the model expected (model plot), for the single metric viewer" value={form.plot} onValue={(plot) => change({ plot })} />
        </>
      )}
    </div>
  );
}

function Checked(props: { form: Form; bodies: Bodies; range: Range; change: Change }): ComponentChildren {
  const { ask } = useShared();
  const { form, bodies, range, change } = props;
  const empty = range.to === Number.MAX_SAFE_INTEGER;
  const answer = useAnswer((signal) => look(ask, bodies, range, signal), JSON.stringify([bodies, range]));
  return (
    <>
      <section aria-label="What the data say" class="step">
        <h2>What the data say</h2>
        {!empty && <Previews bodies={bodies} range={range} />}
        {!empty && form.kind === "categorization" && <Categories bodies={bodies} field={form.field} range={range} />}
        <Shown answer={answer} what="Checks">
          {(looked) => (
            <>
              <h3>Checks</h3>
              <Messages messages={messagesOf(bodies, looked.facts)} />
              <Estimates form={form} looked={looked} change={change} />
              <Rows looked={looked} />
            </>
          )}
        </Shown>
      </section>
      <section aria-label="The result" class="step">
        <h2>The result</h2>
        <Shown answer={answer} what="Result">
          {(looked) => {
            const made = withMemory(form, bodies, looked);
            const stopped = messagesOf(bodies, looked.facts).some((one) => one.level === "error");
            return (
              <>
                {!empty && <Trying key={JSON.stringify([made, range])} bodies={made} range={range} stopped={stopped} />}
                <Ending made={[made]} name={objectName(bodies.name)} stopped={stopped} />
              </>
            );
          }}
        </Shown>
      </section>
    </>
  );
}

/** The bodies with the limit that the server estimates, where none was given. */
function withMemory(form: Form, bodies: Bodies, looked: Looked): Bodies {
  const needed = looked.facts.neededBytes;
  if (form.kind === "advanced" || form.memory !== "" || needed === undefined) {
    return bodies;
  }
  return { ...bodies, job: { ...bodies.job, analysis_limits: { model_memory_limit: limitFor(needed) } } };
}
