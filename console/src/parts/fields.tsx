/** The table of fields: how many documents have each, and with which values. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Bars, ShareBar } from "./bars";
import { useShared } from "./context";
import type { Field } from "../rest/data/fields";
import type { Statistics, Summary, TopValue } from "../rest/data/statistics";
import { brief, distinct, exact, namable, share } from "../shape/fields";
import { number } from "../shape/format";

/** Values that a row shows before it is opened. */
const FIRST_VALUES = 3;
/** Letters of each of them. */
const FIRST_LETTERS = 50;

/** What a reader wants of a value: only documents with it, or only those without. */
export type Narrow = (field: string, value: string, present: boolean) => void;

/** The rows of a page of fields; without a summary their statistics are on their way. */
export function FieldTable(props: {
  fields: readonly Field[];
  caption: string;
  summary: Summary | undefined;
  sampled: boolean;
  onNarrow: Narrow;
  /** The map of a field of places. */
  map: (field: string) => ComponentChildren;
}): ComponentChildren {
  return (
    <div class="scrolling">
      <table class="fields">
        <caption>{props.caption}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">Details</span>
            </th>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col" class="figure">Documents</th>
            <th scope="col" class="figure">Distinct</th>
            <th scope="col">Values</th>
            <th scope="col">Distribution</th>
          </tr>
        </thead>
        <tbody>
          {props.fields.map((field) => (
            <Row
              key={field.name}
              field={field}
              found={props.summary?.of.get(field.name)}
              of={props.summary?.documents}
              sampled={props.sampled}
              onNarrow={props.onNarrow}
              map={props.map}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: {
  field: Field;
  found: Statistics | undefined;
  of: number | undefined;
  sampled: boolean;
  onNarrow: Narrow;
  map: (field: string) => ComponentChildren;
}): ComponentChildren {
  const { field, found, of } = props;
  const { formats } = useShared();
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr>
        <td>
          <button
            type="button"
            class="plain"
            aria-expanded={open}
            aria-label={`Details of ${field.name}`}
            disabled={found === undefined}
            onClick={() => setOpen(!open)}
          >
            {open ? "▾" : "▸"}
          </button>
        </td>
        <th scope="row" class="name">{field.name}</th>
        <td>{field.type}</td>
        <td class="figure">
          {found !== undefined && of !== undefined && (
            <>
              {props.sampled ? "about " : `${number(found.documents, formats)}, `}
              {share(found.documents, of, formats)}
            </>
          )}
        </td>
        <td class="figure">
          {found?.distinct !== undefined && distinct(found.distinct, props.sampled, formats)}
        </td>
        <td class="values">{found === undefined ? unknown(field, of) : <Values field={field} found={found} />}</td>
        <td>
          {found?.distribution && (
            <Bars of={found.distribution} label={`Distribution of ${field.name} from ${bound(field, found.least)} to ${bound(field, found.most)}`} />
          )}
        </td>
      </tr>
      {open && found !== undefined && (
        <tr>
          <td />
          <td colSpan={6}>
            <Details field={field} found={found} onNarrow={props.onNarrow} />
            {field.kind === "point" && found.documents > 0 && props.map(field.name)}
          </td>
        </tr>
      )}
    </>
  );

  function bound(one: Field, value: number | undefined): string {
    return value === undefined ? "–" : exact(value, one, formats);
  }
}

function unknown(field: Field, of: number | undefined): string {
  return of === undefined ? "…" : `${field.reason} It cannot be searched either.`;
}

/** The values of a field in one line. */
function Values(props: { field: Field; found: Statistics }): ComponentChildren {
  const { field, found } = props;
  const { formats } = useShared();
  const shown = (value: number | undefined): string => (value === undefined ? "–" : exact(value, field, formats));
  if (found.documents === 0) {
    return "No document has it.";
  }
  if (field.kind === "number") {
    return `${shown(found.least)} to ${shown(found.most)}, median ${shown(found.median)}`;
  }
  if (field.kind === "date") {
    return `${shown(found.least)} to ${shown(found.most)}`;
  }
  if (field.kind === "words") {
    return found.top
      .slice(0, FIRST_VALUES)
      .map((one) => `${brief(one.value, FIRST_LETTERS)} ${share(one.documents, found.documents, formats)}`)
      .join(" · ");
  }
  if (field.kind === "point") {
    return "places; the details show a map";
  }
  const example = found.examples[0];
  return field.kind === "text" && example !== undefined ? `such as “${brief(example)}”` : field.reason;
}

function Details(props: { field: Field; found: Statistics; onNarrow: Narrow }): ComponentChildren {
  const { field, found } = props;
  const { formats } = useShared();
  return (
    <div class="details">
      {field.reason && <p class="aside">{field.reason}</p>}
      {(found.least !== undefined || found.most !== undefined) && (
        <dl>
          <dt>{field.kind === "date" ? "Earliest" : "Minimum"}</dt>
          <dd>{found.least === undefined ? "–" : exact(found.least, field, formats)}</dd>
          {field.kind === "number" && (
            <>
              <dt>Median</dt>
              <dd>{found.median === undefined ? "–" : exact(found.median, field, formats)}</dd>
            </>
          )}
          <dt>{field.kind === "date" ? "Latest" : "Maximum"}</dt>
          <dd>{found.most === undefined ? "–" : exact(found.most, field, formats)}</dd>
        </dl>
      )}
      {found.top.length > 0 && (
        <table>
          <caption>Top values of {field.name}, of the documents that have it</caption>
          <tbody>
            {found.top.map((one) => (
              <TopRow key={one.value} field={field} one={one} whole={found.documents} onNarrow={props.onNarrow} />
            ))}
          </tbody>
        </table>
      )}
      {found.examples.length > 0 && (
        <>
          <p class="aside">Examples</p>
          <ul>
            {found.examples.map((text) => (
              <li key={text}>{brief(text)}</li>
            ))}
          </ul>
        </>
      )}
      {found.distribution && <Steps field={field} found={found} />}
    </div>
  );
}

function TopRow(props: { field: Field; one: TopValue; whole: number; onNarrow: Narrow }): ComponentChildren {
  const { field, one } = props;
  const { formats } = useShared();
  const value = one.figure === undefined ? brief(one.value) : exact(one.figure, field, formats);
  return (
    <tr>
      <th scope="row" class="name">{value}</th>
      <td>
        <ShareBar part={one.documents} whole={props.whole} />
      </td>
      <td class="figure">{share(one.documents, props.whole, formats)}</td>
      <td>
        {namable(one.figure) && field.searchable && (
          <>
            <button type="button" class="plain" aria-label={`Only documents with ${field.name} ${value}`} onClick={() => props.onNarrow(field.name, one.value, true)}>
              only
            </button>
            <button type="button" class="plain" aria-label={`Only documents without ${field.name} ${value}`} onClick={() => props.onNarrow(field.name, one.value, false)}>
              without
            </button>
          </>
        )}
      </td>
    </tr>
  );
}

/** The distribution in figures, for those who see no picture. */
function Steps(props: { field: Field; found: Statistics }): ComponentChildren {
  const { field, found } = props;
  const { formats } = useShared();
  const bars = found.distribution;
  if (bars === undefined) {
    return null;
  }
  return (
    <details>
      <summary>Distribution as a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" class="figure">Share</th>
          </tr>
        </thead>
        <tbody>
          {bars.counts.map((count, k) => (
            <tr key={k}>
              <td>{exact(bars.from + k * bars.step, field, formats)}</td>
              <td class="figure">{share(count, found.documents, formats)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
