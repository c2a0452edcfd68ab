/** What a job looks at: figures, splits, populations, texts, places and influencers, as its kind has them. */

import type { ComponentChildren } from "preact";
import { bodiesOf } from "../../shape/wizard/bodies";
import { asAdvanced, objectOf, type Body } from "../../shape/wizard/bodies";
import { emptyOf, KIND_WORDS, KINDS, type Form, type Kind, type Metric } from "../../shape/wizard/form";
import { FUNCTIONS, functionOf, NUMBERS, offered, PLACES, TEXTS, VALUES, type Needs } from "../../shape/wizard/functions";
import { sentenceOf } from "../../shape/wizard/words";
import type { Field } from "../../rest/wizard";
import { Check, Choice, TextArea } from "./inputs";
import { maybe, type Change } from "./source";

type Choices = readonly (readonly [string, string])[];

/** Fields to choose from for each need. */
function choicesOf(fields: readonly Field[]): { of: (needs: Needs) => Choices; values: Choices; texts: Choices; places: Choices } {
  const pick = (...sets: ReadonlySet<string>[]): Choices =>
    fields.filter((one) => sets.some((set) => set.has(one.type))).map((one) => [one.name, one.name]);
  return {
    of: (needs) => (needs === "number" ? pick(NUMBERS) : needs === "value" ? pick(VALUES, NUMBERS) : []),
    values: pick(VALUES, NUMBERS),
    texts: pick(TEXTS, VALUES),
    places: pick(PLACES),
  };
}

/** Which kind of job it is; what is common to both stays when it changes, and JSON says all that stands in the whole form. */
export function KindInput(props: { form: Form; whole: Form; change: Change }): ComponentChildren {
  const { form, whole, change } = props;
  return (
    <Choice
      label="Kind of job"
      value={form.kind}
      choices={KINDS.map((kind) => [kind, `${KIND_WORDS[kind].name}: ${KIND_WORDS[kind].words}`])}
      onValue={(kind) => change(turned(kind === "advanced" ? whole : form, kind as Kind))}
    />
  );
}

/** A form of another kind, with what both have. */
export function turned(form: Form, kind: Kind): Form {
  if (kind === "advanced") {
    const made = bodiesOf({ ...form, name: form.name === "" ? "new" : form.name }).bodies;
    if (made !== undefined) {
      return { ...asAdvanced(form, made), name: form.name };
    }
    const feed = { indices: form.index.split(",").filter(Boolean), query_delay: form.delay };
    const job = { analysis_config: { bucket_span: form.span, detectors: [{ function: "count" }] }, data_description: { time_field: form.timeField } };
    return asAdvanced(form, { job, feed });
  }
  const { index, query, timeField, from, to, name, description, groups, memory, delay } = form;
  const { metrics, influencers } = form.kind === "advanced" ? emptyOf(kind) : form;
  const usable = metrics.filter((one) => offered(kind === "population").some((each) => each.name === one.function));
  const kept = usable.length > 0 ? usable.slice(0, kind === "single" ? 1 : usable.length) : emptyOf(kind).metrics;
  return { ...emptyOf(kind), index, query, timeField, from, to, name, description, groups, memory, delay, metrics: kept, influencers };
}

/** What a job of the form's kind looks at. */
export function LookingInputs(props: { form: Form; fields: readonly Field[]; change: Change }): ComponentChildren {
  const { form, change } = props;
  const choices = choicesOf(props.fields);
  const sentence = sentenceOf(form);
  if (form.kind === "advanced") {
    return <Advanced form={form} fields={props.fields} change={change} />;
  }
  /** A field that splits tells whose an anomaly is: it is an influencer, unless somebody takes it out. */
  const splitting = (part: "split" | "population") => (value: string) => {
    const others = form.influencers.filter((one) => one !== form[part]);
    change({ [part]: value, influencers: value === "" ? others : [...new Set([...others, value])] });
  };
  const split = (label: string, hint: string): ComponentChildren => (
    <Choice label={label} value={form.split} choices={choices.values} onValue={splitting("split")} empty="none" hint={hint} />
  );
  const population = (label: string, empty?: string): ComponentChildren => (
    <Choice label={label} value={form.population} choices={choices.values} onValue={splitting("population")} {...maybe("empty", empty)} />
  );
  return (
    <>
      {["single", "multi", "population"].includes(form.kind) && <Metrics form={form} choices={choices.of} change={change} />}
      <div class="inputs">
        {form.kind === "multi" && split("Split by", "Each value is a series of its own.")}
        {form.kind === "population" && (
          <>
            {population("Population")}
            {split("Split by", "What each member is looked at by, such as its status codes.")}
          </>
        )}
        {form.kind === "categorization" && (
          <>
            <Choice label="Field with messages" value={form.field} choices={choices.texts} onValue={(field) => change({ field })} />
            <Choice
              label="Look for"
              value={form.detector}
              choices={[["count", "more or fewer messages of a kind"], ["high_count", "more messages of a kind"], ["rare", "kinds of messages that are rarely seen"]]}
              onValue={(detector) => change({ detector })}
            />
            {split("Split by", "Each value, such as each log, is looked at apart.")}
            {form.split !== "" && (
              <Check label={`Find categories for each ${form.split} apart, and none where they do not work`} value={form.apart} onValue={(apart) => change({ apart })} />
            )}
          </>
        )}
        {form.kind === "rare" && (
          <>
            <Choice label="Rare values of" value={form.field} choices={choices.values} onValue={rareField(form, change)} />
            {population("Compared within the population of", "none: rare in all of the data")}
            {split("For each value apart of", "Rare means then: rare for this value.")}
            {form.population !== "" && (
              <Choice
                label="Look for"
                value={form.detector}
                choices={[["rare", "members that show what few others show"], ["freq_rare", "members that often show what few others show"]]}
                onValue={(detector) => change({ detector })}
              />
            )}
          </>
        )}
        {form.kind === "geo" && (
          <>
            <Choice
              label="Field with places"
              value={form.field}
              choices={choices.places}
              onValue={(field) => change({ field })}
              {...(choices.places.length === 0 ? { problem: "These indices have no field of the type geo_point." } : {})}
            />
            {population("Compared within the population of", "none: unusual for all of the data")}
            {split("For each value apart of", "Each value has places of its own.")}
          </>
        )}
      </div>
      {sentence !== "" && <p>{sentence}</p>}
      <Influencers form={form} choices={choices.values} change={change} />
    </>
  );
}

/** What is rare is an influencer, too: it is what an anomaly is about. */
function rareField(form: Form, change: Change): (field: string) => void {
  return (field) => change({ field, influencers: [...new Set([...form.influencers.filter((one) => one !== form.field), field])] });
}

function Metrics(props: { form: Form; choices: (needs: Needs) => Choices; change: Change }): ComponentChildren {
  const { form, change } = props;
  const set = (index: number, metric: Metric): void => change({ metrics: form.metrics.map((one, k) => (k === index ? metric : one)) });
  const shown = form.kind === "single" ? form.metrics.slice(0, 1) : form.metrics;
  return (
    <>
      {shown.map((metric, index) => {
        const needs = functionOf(metric.function)?.needs ?? "nothing";
        const place = shown.length > 1 ? ` ${index + 1}` : "";
        return (
          <div class="inputs" role="group" aria-label={`Figure${place}`} key={index}>
            <Choice
              label={`Function${place}`}
              value={metric.function}
              choices={offered(form.kind === "population").map((one) => [one.name, `${one.name}: ${one.words}${one.side}`])}
              onValue={(name) => set(index, { function: name, field: functionOf(name)?.needs === needs ? metric.field : "" })}
            />
            {needs !== "nothing" && (
              <Choice label={`Field${place}`} value={metric.field} choices={props.choices(needs)} onValue={(field) => set(index, { ...metric, field })} />
            )}
            {shown.length > 1 && (
              <button type="button" onClick={() => change({ metrics: form.metrics.filter((_, k) => k !== index) })}>
                Take figure {index + 1} away
              </button>
            )}
          </div>
        );
      })}
      {form.kind !== "single" && (
        <button type="button" onClick={() => change({ metrics: [...form.metrics, { function: "mean", field: "" }] })}>
          Add a figure
        </button>
      )}
    </>
  );
}

function Influencers(props: { form: Form; choices: Choices; change: Change }): ComponentChildren {
  const { form, change } = props;
  const left = props.choices.filter(([name]) => !form.influencers.includes(name));
  return (
    <div class="inputs">
      <Choice
        label="Add an influencer"
        value=""
        empty="choose a field"
        choices={left}
        onValue={(name) => change({ influencers: [...form.influencers, name] })}
        hint="Fields whose values may tell who or what an anomaly is of; three are mostly enough."
      />
      {form.influencers.length > 0 && (
        <ul class="chosen" aria-label="Influencers">
          {form.influencers.map((name) => (
            <li key={name}>
              {name}{" "}
              <button type="button" class="plain" aria-label={`Take ${name} away`} onClick={() => change({ influencers: form.influencers.filter((one) => one !== name) })}>
                take away
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Advanced(props: { form: Form; fields: readonly Field[]; change: Change }): ComponentChildren {
  const { form, change } = props;
  const { problems } = bodiesOf({ ...form, name: form.name === "" ? "new" : form.name });
  const of = (field: string): string[] => problems.filter((one) => one.field === field).map((one) => one.text);
  const job = objectOf(form.job);
  return (
    <>
      <TextArea
        label="Job"
        value={form.job}
        onValue={(text) => change({ job: text, ...timeOf(text, form) })}
        hint="The body of PUT _ml/anomaly_detectors: analysis_config, data_description and more."
        problems={of("job")}
      />
      {job !== undefined && <AddDetector job={job} fields={props.fields} onJob={(body) => change({ job: JSON.stringify(body, null, 2) })} />}
      <TextArea
        label="Datafeed"
        value={form.feed}
        onValue={(feed) => change({ feed, ...indexOf(feed, form) })}
        hint="The body of PUT _ml/datafeeds, without the job's id."
        problems={of("feed")}
      />
    </>
  );
}

/** What the rest of the form knows of the job's text. */
function timeOf(text: string, form: Form): Partial<Form> {
  const time = (objectOf(text)?.["data_description"] as Body | undefined)?.["time_field"];
  return { timeField: typeof time === "string" ? time : form.timeField };
}

function indexOf(text: string, form: Form): Partial<Form> {
  const indices = objectOf(text)?.["indices"];
  return { index: Array.isArray(indices) ? indices.join(",") : form.index };
}

function AddDetector(props: { job: Body; fields: readonly Field[]; onJob: (job: Body) => void }): ComponentChildren {
  const analysis = (props.job["analysis_config"] ?? {}) as Body;
  const detectors = Array.isArray(analysis["detectors"]) ? analysis["detectors"] : [];
  const names = ["field_name", "by_field_name", "over_field_name", "partition_field_name"] as const;
  const labels = ["Field", "By", "Over", "Partition"];
  const add = (event: Event): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const filled = [...new FormData(form).entries()].filter(([, value]) => value !== "");
    const detector = Object.fromEntries(filled) as Body;
    props.onJob({ ...props.job, analysis_config: { ...analysis, detectors: [...detectors, detector] } });
    form.reset();
  };
  return (
    <form class="inputs" aria-label="Add a detector" onSubmit={add}>
      <label class="field">
        <span>Function</span>
        <select name="function">
          {[...FUNCTIONS.map((one) => one.name), "rare", "freq_rare", "lat_long", "metric"].map((name) => (
            <option value={name} key={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {names.map((name, k) => (
        <label class="field" key={name}>
          <span>{labels[k]}</span>
          <select name={name}>
            <option value="">none</option>
            {name !== "field_name" && <option value="mlcategory">mlcategory</option>}
            {props.fields.map((one) => (
              <option value={one.name} key={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
      ))}
      <button type="submit">Add the detector</button>
    </form>
  );
}
