/** Which documents a job reads: indices, query, the field with the time, the stretch of time. */

import type { ComponentChildren } from "preact";
import { faultOf, objectOf } from "../../shape/wizard/bodies";
import type { Form } from "../../shape/wizard/form";
import { DATES } from "../../shape/wizard/functions";
import { readIndices, type Field, type Times } from "../../rest/wizard";
import { number, time } from "../../shape/format";
import { parseTime } from "../../state/range";
import { shown, useAnswer } from "../asking";
import { useShared } from "../context";
import { Choice, TextInput } from "./inputs";

/** Changes some of what a form holds. */
export type Change = (changes: Partial<Form>) => void;

/** The index, before anything is known of it. */
export function IndexInput(props: { form: Pick<Form, "index">; change: (changes: { index: string }) => void }): ComponentChildren {
  const { ask } = useShared();
  const indices = useAnswer((signal) => readIndices(ask, signal), "indices");
  return (
    <TextInput
      label="Index"
      value={props.form.index}
      onValue={(index) => props.change({ index })}
      choices={shown(indices) ?? []}
      hint="An index, pattern, alias or data stream; several with commas."
    />
  );
}

/** The field with the time, and the stretch that is read, once the fields are known. */
export function TimeInputs(props: {
  form: Pick<Form, "timeField" | "from" | "to">;
  fields: readonly Field[];
  change: (changes: Partial<Pick<Form, "timeField" | "from" | "to">>) => void;
}): ComponentChildren {
  const { form, change } = props;
  const { now } = useShared();
  const dates = props.fields.filter((one) => DATES.has(one.type));
  const timeProblem = (text: string): string | undefined =>
    text === "" || parseTime(text, now) !== undefined ? undefined : `“${text}” is no time; write a date such as 2026-01-31T12:00Z, or now-7d.`;
  const moment = (text: string): string => {
    const ms = parseTime(text, now);
    return ms === undefined ? text : new Date(ms).toISOString().replace(".000Z", "Z");
  };
  return (
    <>
      <Choice
        label="Time field"
        value={form.timeField}
        choices={dates.map((one) => [one.name, one.name])}
        onValue={(timeField) => change({ timeField })}
        {...(dates.length === 0 ? { problem: "These indices have no field with dates, which a job needs." } : {})}
      />
      <TextInput
        label="Begin"
        value={form.from}
        onValue={(from) => change({ from: moment(from) })}
        placeholder="the first document"
        hint="A date, or a distance such as now-7d."
        {...maybe("problem", timeProblem(form.from))}
      />
      <TextInput
        label="End"
        value={form.to}
        onValue={(to) => change({ to: moment(to) })}
        placeholder="go on as documents come"
        {...maybe("problem", timeProblem(form.to))}
      />
    </>
  );
}

/** Query, time field and range, once the fields are known. */
export function SourceInputs(props: { form: Form; fields: readonly Field[]; change: Change }): ComponentChildren {
  const { form, change } = props;
  return (
    <div class="inputs">
      <TimeInputs {...props} />
      {form.kind !== "advanced" && (
        <TextInput
          label="Query"
          value={form.query}
          onValue={(query) => change({ query })}
          placeholder="all documents"
          hint={'Query DSL, such as {"term": {"event.dataset": "nginx.access"}}'}
          wide
          {...maybe("problem", form.query === "" || objectOf(form.query) ? undefined : `No JSON object: ${faultOf(form.query)}`)}
        />
      )}
    </div>
  );
}

/** What the source holds, in a line. */
export function SourceWords(props: { times: Times }): ComponentChildren {
  const { formats } = useShared();
  const { documents, first, last } = props.times;
  return (
    <p class="aside" role="status">
      {documents === 0 || first === undefined || last === undefined
        ? "No document is in this time, with this query."
        : `${number(documents, formats)} documents, from ${time(first, formats)} to ${time(last, formats)}.`}
    </p>
  );
}

/** A property that is left out where it has no value. */
export function maybe<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: V });
}
