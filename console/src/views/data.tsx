/** The data visualizer: what an index holds, before anybody makes a job of it. */

import type { ComponentChildren } from "preact";
import { shown, useAnswer, type Answer } from "../parts/asking";
import { useShared } from "../parts/context";
import { TimeControl } from "../parts/controls";
import { FieldTable } from "../parts/fields";
import { FileDrop } from "../parts/files/drop";
import { Histogram } from "../parts/histogram";
import { FieldMap } from "../parts/map";
import { To } from "../parts/marks";
import { QueryBar } from "../parts/querybar";
import { Nothing, Shown } from "../parts/states";
import { readFields, timeField, type Field } from "../rest/data/fields";
import { readExtent, readOverview, type Overview, type Subject } from "../rest/data/overview";
import { MOST_DOCUMENTS, sampleOf, type Sample } from "../rest/data/sampling";
import { readAbilities, readSources, type Abilities, type Source } from "../rest/data/sources";
import { readStatistics } from "../rest/data/statistics";
import { kindsOf, matchingFields, pageOf } from "../shape/fields";
import { number } from "../shape/format";
import { withParams } from "../state/place";
import { languageOf, narrowed, type Language } from "../state/querying";
import { parseRange, type Range } from "../state/range";

const EXAMPLES: Readonly<Record<Language, string>> = { kql: 'status: 404 and host: "a b"', lucene: 'status:404 AND host:"a b"' };
/** What the address says where documents are not to be ordered in time; no field has such a name. */
const NO_TIME = "*none";

/** The data visualizer. */
export function Data(): ComponentChildren {
  const { ask, place } = useShared();
  const sources = useAnswer(() => readSources(ask), "sources");
  const index = place.params["index"] ?? "";
  return (
    <main id="main">
      <h1>Data</h1>
      <SourceChoice index={index} sources={shown(sources) ?? []} />
      {index === "" ? (
        <>
          <Shown answer={sources} what="Indices">{(all) => <Sources all={all} />}</Shown>
          <FileDrop />
        </>
      ) : (
        <OfIndex key={index} index={index} />
      )}
    </main>
  );
}

function SourceChoice(props: { index: string; sources: readonly Source[] }): ComponentChildren {
  const { place, go } = useShared();
  const zone: Record<string, string> = place.params["zone"] ? { zone: place.params["zone"] } : {};
  return (
    <div class="tools">
      <label>
        Index{" "}
        <input
          list="sources"
          size={40}
          value={props.index}
          placeholder="a name, a pattern with *, or several with commas"
          onChange={(event) => go({ view: "data", params: { ...zone, index: event.currentTarget.value.trim() } })}
        />
      </label>
      <datalist id="sources">
        {props.sources.map((source) => (
          <option value={source.name} key={source.name} label={source.kind} />
        ))}
      </datalist>
    </div>
  );
}

function Sources(props: { all: readonly Source[] }): ComponentChildren {
  const { formats } = useShared();
  if (props.all.length === 0) {
    return (
      <Nothing>
        This server has no indices with data yet, or these credentials see none. <code>anomalyops ingest FILE</code> makes
        one from a file.
      </Nothing>
    );
  }
  return (
    <table>
      <caption>{number(props.all.length, formats)} indices, aliases and data streams</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Kind</th>
        </tr>
      </thead>
      <tbody>
        {props.all.map((source) => (
          <tr key={source.name}>
            <td>
              <To place={{ view: "data", params: { index: source.name } }}>{source.name}</To>
            </td>
            <td>{source.kind}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface Known {
  readonly fields: readonly Field[];
  readonly abilities: Abilities;
  readonly time: string | undefined;
  readonly whole: Range | undefined;
}

function OfIndex(props: { index: string }): ComponentChildren {
  const { ask, place, now } = useShared();
  const { index } = props;
  const wanted = place.params["time"];
  const answer = useAnswer<Known>(async (signal) => {
    const [fields, abilities] = await Promise.all([readFields(ask, index, signal), readAbilities(ask)]);
    const time = wanted === NO_TIME ? undefined : timeField(fields, wanted);
    return { fields, abilities, time, whole: time === undefined ? undefined : await readExtent(ask, index, time, signal) };
  }, JSON.stringify([index, wanted]));
  return (
    <Shown answer={answer} what="Fields">
      {(known) =>
        known.fields.length === 0 ? (
          <Nothing>Nothing that is called “{index}” has any fields: there is no such index, or its documents are empty.</Nothing>
        ) : (
          <Explored
            index={index}
            known={known}
            range={known.whole && parseRange(place.params["from"], place.params["to"], known.whole, now)}
          />
        )
      }
    </Shown>
  );
}

function Explored(props: { index: string; known: Known; range: Range | undefined }): ComponentChildren {
  const { ask, place, go } = useShared();
  const { index, known, range } = props;
  const language = languageOf(place.params["lang"], known.abilities.kql);
  const question = { text: place.params["query"] ?? "", language };
  const subject: Subject = { index, time: known.time, range, question };
  const about = JSON.stringify(subject);
  const answer = useAnswer((signal) => readOverview(ask, subject, signal), about);
  return (
    <>
      <div class="tools">
        <TimeFieldChoice fields={known.fields} time={known.time} />
        <QueryBar key={JSON.stringify(question)} question={question} kql={known.abilities.kql} examples={EXAMPLES} forgets={["page"]} />
      </div>
      {range !== undefined && known.whole !== undefined && <TimeControl range={range} whole={known.whole} />}
      {known.time === undefined && (
        <p class="aside">Without a time field there is no histogram over time, and no job can be made of these documents.</p>
      )}
      {known.time !== undefined && known.whole === undefined && <Nothing>No document has a time in {known.time} yet.</Nothing>}
      <Shown answer={answer} what="Documents">
        {(overview) => (
          <>
            <Count overview={overview} />
            {overview.cells && overview.total > 0 && (
              <Histogram
                cells={overview.cells}
                onRange={(made) => go(withParams(place, { from: new Date(made.from).toISOString(), to: new Date(made.to).toISOString() }))}
              />
            )}
            <Fields subject={subject} known={known} overview={overview} />
          </>
        )}
      </Shown>
    </>
  );
}

function Count(props: { overview: Overview }): ComponentChildren {
  const { formats } = useShared();
  const { total } = props.overview;
  if (total === 0) {
    return <Nothing>No document is of this time and fits this query.</Nothing>;
  }
  return (
    <p role="status">
      <strong>{number(total, formats)}</strong> document{total === 1 ? "" : "s"}
    </p>
  );
}

function TimeFieldChoice(props: { fields: readonly Field[]; time: string | undefined }): ComponentChildren {
  const { place, go } = useShared();
  const dates = props.fields.filter((field) => field.kind === "date");
  if (dates.length === 0) {
    return <span class="aside">No field of these documents is a date.</span>;
  }
  return (
    <label>
      Time field{" "}
      <select
        value={props.time ?? NO_TIME}
        onChange={(event) => go(withParams(place, { time: event.currentTarget.value, from: "", to: "" }))}
      >
        {dates.map((field) => (
          <option value={field.name} key={field.name}>
            {field.name}
          </option>
        ))}
        <option value={NO_TIME}>none</option>
      </select>
    </label>
  );
}

function Fields(props: { subject: Subject; known: Known; overview: Overview }): ComponentChildren {
  const { ask, place, go, formats } = useShared();
  const { subject, known, overview } = props;
  const [word, kind] = [place.params["field"] ?? "", place.params["kind"] ?? ""];
  const matching = matchingFields(known.fields, word, kind);
  const { page, pages, rows } = pageOf(matching, place.params["page"]);
  const all = place.params["sample"] === "off";
  const sample: Sample = all ? { of: "all" } : sampleOf(overview.total, known.abilities, overview.cells);
  const answer = useAnswer(
    (signal) => readStatistics(ask, subject, sample, rows, signal),
    JSON.stringify([subject, sample, rows.map((field) => field.name)]),
  );
  const turn = (to: number): void => go(withParams(place, { page: to === 1 ? "" : String(to) }));
  const caption = `${number(matching.length, formats)} of ${number(known.fields.length, formats)} fields${pages > 1 ? `, page ${page} of ${pages}` : ""}`;
  return (
    <section aria-label="Fields">
      <h2>Fields</h2>
      <div class="tools">
        <label>
          Filter{" "}
          <input
            type="search"
            value={word}
            placeholder="name or type"
            onInput={(event) => go(withParams(place, { field: event.currentTarget.value, page: "" }))}
          />
        </label>
        <label>
          Kind{" "}
          <select value={kind} onChange={(event) => go(withParams(place, { kind: event.currentTarget.value, page: "" }))}>
            <option value="">all</option>
            {kindsOf(known.fields).map((one) => (
              <option value={one.kind} key={one.kind}>
                {one.text}
              </option>
            ))}
          </select>
        </label>
        {pages > 1 && (
          <span role="group" aria-label="Pages of fields">
            <button type="button" disabled={page === 1} onClick={() => turn(page - 1)}>
              Previous
            </button>{" "}
            <button type="button" disabled={page === pages} onClick={() => turn(page + 1)}>
              Next
            </button>
          </span>
        )}
      </div>
      <Sampled sample={sample} looked={answer} total={overview.total} all={all} />
      {answer.state === "failed" && (
        <div class="problem" role="alert">
          <strong>Statistics cannot be shown.</strong> {answer.message} {answer.advice}
        </div>
      )}
      <div aria-busy={answer.state === "pending"}>
        <FieldTable
          fields={rows}
          caption={caption}
          summary={answer.state === "there" ? answer.value : undefined}
          sampled={sample.of !== "all"}
          onNarrow={(field, value, present) => {
            const next = narrowed(subject.question, field, value, present);
            go(withParams(place, { query: next.text, lang: next.language, page: "" }));
          }}
          map={(field) => <FieldMap subject={subject} sample={sample} field={field} />}
        />
      </div>
    </section>
  );
}

/** Says which documents the statistics come from, where it is not all of them. */
function Sampled(props: { sample: Sample; looked: Answer<{ documents: number }>; total: number; all: boolean }): ComponentChildren {
  const { place, go, formats } = useShared();
  const { sample, total } = props;
  if (props.all && total > MOST_DOCUMENTS) {
    return (
      <p class="aside">
        All documents are looked at.{" "}
        <button type="button" onClick={() => go(withParams(place, { sample: "" }))}>
          Look at a sample
        </button>
      </p>
    );
  }
  if (sample.of === "all") {
    return null;
  }
  const how =
    sample.of === "chance"
      ? `one of ${number(Math.round(1 / sample.probability), formats)} documents, chosen by chance`
      : `the ${props.looked.state === "there" ? `${number(props.looked.value.documents, formats)} ` : ""}documents of ${number(sample.slices.length, formats)} short stretches all over the time`;
  return (
    <p class="aside" role="note">
      Statistics come from a sample: {how}. The histogram counts all.{" "}
      <button type="button" onClick={() => go(withParams(place, { sample: "off" }))}>
        Look at all documents
      </button>
    </p>
  );
}
