/** Ready-made jobs: what the catalogue has for the fields of an index, as manifests or running. */

import type { ComponentChildren } from "preact";
import { shown, useAnswer } from "../parts/asking";
import { useShared } from "../parts/context";
import { To } from "../parts/marks";
import { Nothing, Shown } from "../parts/states";
import { Messages } from "../parts/wizard/checks";
import { Ending } from "../parts/wizard/ending";
import { Check, Choice, TextInput } from "../parts/wizard/inputs";
import { IndexInput, SourceWords, TimeInputs } from "../parts/wizard/source";
import { look, readFields, readMatches, readTimes, type Field, type Times } from "../rest/wizard";
import { number } from "../shape/format";
import { messagesOf } from "../shape/wizard/advice";
import { bodiesOfOffer, candidates, fitFamilies, READY, readyForm, readyParams, suits, type FittedFamily, type Fitted, type ReadyForm } from "../shape/wizard/catalog";
import { withDefaults } from "../shape/wizard/defaults";
import { EMPTY, indicesOf } from "../shape/wizard/form";
import { objectName } from "../shape/wizard/manifest";
import { parseTime, type Range } from "../state/range";
import { withParams } from "../state/place";

type Change = (changes: Partial<ReadyForm>) => void;

/** The page for ready-made jobs. */
export function Ready(): ComponentChildren {
  const { ask, place, go } = useShared();
  const form = readyForm(place.params);
  const change: Change = (changes) => go(withParams(place, readyParams({ ...form, ...changes })));
  const named = indicesOf(form).length > 0;
  const fields = useAnswer(async (signal) => (named ? await readFields(ask, indicesOf(form).join(","), signal) : null), form.index);
  return (
    <>
      <p class="aside">
        The jobs of <code>anomalyops catalog</code>, each for an incident that it has been tested on; here for data whose fields they read. Or{" "}
        <To place={{ view: "new", params: { index: form.index, timeField: form.timeField, from: form.from, to: form.to } }}>a job of your own</To>.
      </p>
      <section aria-label="Data" class="step">
        <h2>Data</h2>
        <div class="inputs">
          <IndexInput form={form} change={change} />
        </div>
        <Shown answer={fields} what="Fields">
          {(found) =>
            found === null ? (
              <Nothing>Name an index: its fields are looked at, and nothing is changed.</Nothing>
            ) : (
              <Offered form={withTime(form, found)} fields={found} change={change} />
            )
          }
        </Shown>
      </section>
    </>
  );
}

function withTime(form: ReadyForm, fields: readonly Field[]): ReadyForm {
  return { ...form, timeField: withDefaults({ ...EMPTY, timeField: form.timeField }, fields).timeField };
}

/** The families, once the fields are known. */
function Offered(props: { form: ReadyForm; fields: readonly Field[]; change: Change }): ComponentChildren {
  const { ask, now, formats } = useShared();
  const { form, fields, change } = props;
  const range: Range = { from: parseTime(form.from, now) ?? 0, to: parseTime(form.to, now) ?? Number.MAX_SAFE_INTEGER };
  const families = fitFamilies(fields, form.called, form.timeField);
  const fitted = families.flatMap((one) => one.jobs).filter(suits);
  const made = fitted.map((one) => bodiesOfOffer(one, choicesOf(form)));
  const source = { index: indicesOf(form).join(","), query: { match_all: {} }, timeField: form.timeField, runtime: undefined };
  const times = useAnswer(
    async (signal) => (form.timeField === "" ? null : await readTimes(ask, source, signal, range)),
    JSON.stringify([source, form.from, form.to]),
  );
  const matches = useAnswer(
    async (signal) => (made.length === 0 ? new Map<string, number>() : await readMatches(ask, source, made, range, signal)),
    JSON.stringify([source, made.map((one) => one.feed), form.from, form.to]),
  );
  const documents = shown(matches);
  const recognised = families.filter((one) => isRecognised(one, documents, form));
  const others = families.filter((one) => !recognised.includes(one));
  const chosen = fitted.filter((one) => form.jobs.includes(one.offer.name));
  return (
    <>
      <div class="inputs">
        <TimeInputs form={form} fields={fields} change={change} />
      </div>
      <Shown answer={times} what="Documents">{(there) => (there === null ? null : <SourceWords times={there} />)}</Shown>
      <Shown answer={matches} what="Documents of ready-made jobs">
        {() => (
          <p role="status">
            {recognised.length === 0
              ? "No ready-made job reads fields of these names. Say below what yours are called, or make a job of your own."
              : `Recognised: ${recognised.map((one) => one.family.title).join(", ")}.`}
          </p>
        )}
      </Shown>
      {recognised.map((one) => (
        <OfFamily key={one.family.name} {...{ one, form, fields, change, documents }} />
      ))}
      <details>
        <summary>{recognised.length === 0 ? "All of the catalogue" : "The rest of the catalogue"}, with names of fields to say</summary>
        {others.map((one) => (
          <OfFamily key={one.family.name} {...{ one, form, fields, change, documents }} />
        ))}
      </details>
      <TextInput label="Begin ids with" value={form.prefix} onValue={(prefix) => change({ prefix })} hint="So that one job can be there for several sources." />
      {chosen.length === 0 ? (
        <Nothing>Choose jobs: what they come to is shown here.</Nothing>
      ) : (
        <Result key={JSON.stringify(form)} form={form} chosen={chosen} times={shown(times) ?? undefined} range={range} />
      )}
      <p class="aside">{number(fitted.length, formats)} of the catalogue can read these indices.</p>
    </>
  );
}

function choicesOf(form: ReadyForm): Parameters<typeof bodiesOfOffer>[1] {
  return { indices: indicesOf(form), prefix: form.prefix, start: form.from, end: form.to };
}

/** Whether documents of a family are there, and not only fields of such names. */
function isRecognised(one: FittedFamily, documents: ReadonlyMap<string, number> | undefined, form: ReadyForm): boolean {
  return one.recognised && (documents === undefined || one.jobs.some((job) => job.offer.fields.length > 1 && (documents.get(`${form.prefix}${job.offer.name}`) ?? 0) > 0));
}

/** One family: its jobs to choose from, and what its fields are called. */
function OfFamily(props: {
  one: FittedFamily;
  form: ReadyForm;
  fields: readonly Field[];
  change: Change;
  documents: ReadonlyMap<string, number> | undefined;
}): ComponentChildren {
  const { one, form, fields, change, documents } = props;
  const uses = [...new Map(one.family.jobs.flatMap((job) => job.fields).map((use) => [use.name, use])).values()].filter((use) => use.kind !== "time");
  const all = one.jobs.filter(suits).map((job) => job.offer.name);
  const chosen = (names: readonly string[], on: boolean): void =>
    change({ jobs: on ? [...new Set([...form.jobs, ...names])] : form.jobs.filter((name) => !names.includes(name)) });
  return (
    <section aria-label={one.family.title}>
      <h3>{one.family.title}</h3>
      <p class="aside">{one.family.about}</p>
      {all.length > 1 && <Check label={`All ${all.length} that can be made`} value={all.every((name) => form.jobs.includes(name))} onValue={(on) => chosen(all, on)} />}
      <ul class="messages">
        {one.jobs.map((job) => (
          <li key={job.offer.name}>
            <OfJob job={job} on={form.jobs.includes(job.offer.name)} choose={(on) => chosen([job.offer.name], on)} documents={documents?.get(`${form.prefix}${job.offer.name}`)} />
          </li>
        ))}
      </ul>
      {uses.length > 0 && (
        <details>
          <summary>Fields of {one.family.title}</summary>
          <div class="inputs">
            {uses.map((use) => (
              <Choice
                key={use.name}
                label={use.name}
                value={nameOf(one, use.name) ?? ""}
                empty="not there"
                hint={use.about}
                choices={candidates(use.kind, fields).map((name) => [name, name])}
                onValue={(name) => change({ called: { ...form.called, [use.name]: name } })}
              />
            ))}
          </div>
        </details>
      )}
    </section>
  );
}

function nameOf(family: FittedFamily, field: string): string | undefined {
  return family.jobs.map((job) => (Object.hasOwn(job.names, field) ? job.names[field] : undefined)).find((name) => name !== undefined);
}

function OfJob(props: { job: Fitted; on: boolean; choose: (on: boolean) => void; documents: number | undefined }): ComponentChildren {
  const { formats } = useShared();
  const { offer, lacking, twice, names } = props.job;
  const able = suits(props.job);
  return (
    <>
      <label class="check">
        <input type="checkbox" checked={able && props.on} disabled={!able} onChange={(event) => props.choose(event.currentTarget.checked)} /> <code>{offer.name}</code>: {offer.title}
      </label>
      <div class="aside">{offer.finds}</div>
      {able && <div class="aside">Reads {offer.fields.map((use) => names[use.name]).join(", ")}{props.documents === undefined ? "" : `, of ${number(props.documents, formats)} documents`}.</div>}
      {lacking.length > 0 && <div class="condition notable">Lacks {lacking.map((use) => `${use.name} (${use.about.replace(/\.$/, "")})`).join("; ")}.</div>}
      {twice && <div class="condition notable">Two of its fields cannot be the same one: {Object.values(names).join(", ")}.</div>}
    </>
  );
}

/** What the chosen jobs come to: checks of each, and manifests and calls of all. */
function Result(props: { form: ReadyForm; chosen: readonly Fitted[]; times: Times | undefined; range: Range }): ComponentChildren {
  const { ask } = useShared();
  const { form, chosen, times, range } = props;
  const made = chosen.map((one) => bodiesOfOffer(one, choicesOf(form)));
  const seen = times?.first === undefined || times.last === undefined ? range : { from: times.first, to: times.last + 1 };
  const answer = useAnswer(
    (signal) => Promise.all(made.map(async (one) => messagesOf(one, (await look(ask, one, seen, signal)).facts))),
    JSON.stringify([made, seen]),
  );
  const [only, ...more] = made;
  const name = only !== undefined && more.length === 0 ? only.name : `${form.prefix}${READY}`;
  return (
    <section aria-label="The result" class="step">
      <h2>The result</h2>
      <Shown answer={answer} what="Checks">
        {(found) => (
          <>
            <h3>Checks</h3>
            {made.map((one, place) => (
              <section aria-label={`Checks of ${one.name}`} key={one.name}>
                <h4>{one.name}</h4>
                <Messages messages={found[place] ?? []} />
              </section>
            ))}
            <Ending made={made} name={objectName(name)} stopped={found.flat().some((one) => one.level === "error")} />
          </>
        )}
      </Shown>
    </section>
  );
}

/** The link of a wizard to ready-made jobs over the same data; says so where the data are recognised. */
export function ReadyLink(props: { index: string; timeField: string; from: string; to: string; fields: readonly Field[] }): ComponentChildren {
  const { index, timeField, from, to } = props;
  const recognised = fitFamilies(props.fields, {}, timeField).filter((one) => one.recognised);
  const place = { view: "new", params: readyParams({ index, timeField, from, to, prefix: "", jobs: [], called: {} }) } as const;
  return (
    <p class={recognised.length === 0 ? "aside" : ""}>
      {recognised.length === 0 ? "There are " : `This looks like ${recognised.map((one) => one.family.title.toLowerCase()).join(", ")}: there are `}
      <To place={place}>ready-made jobs</To>.
    </p>
  );
}
