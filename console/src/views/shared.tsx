/** What jobs share: calendars and filter lists, and what they bear on. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAnswer } from "../parts/asking";
import { useShared } from "../parts/context";
import { CalendarDialog, DeletionDialog, FilterDialog } from "../parts/shared/changing";
import { Nothing, Shown } from "../parts/states";
import { READS_ONLY, writesAllowed } from "../parts/writes";
import { readShared } from "../rest/shared";
import { number, time } from "../shape/format";
import { effectWords, type Calendar, type Filter, type Owner } from "../shape/shared";

type Open =
  | { readonly what: "none" }
  | { readonly what: "calendar"; readonly calendar: Calendar | undefined }
  | { readonly what: "filter"; readonly filter: Filter | undefined }
  | { readonly what: "deletion"; readonly of: Calendar | Filter };

/** Names that a line has room for. */
const MOST_NAMES = 5;

/** Calendars and filter lists. */
export function SharedView(): ComponentChildren {
  const { ask } = useShared();
  const [asked, setAsked] = useState(0);
  const [open, setOpen] = useState<Open>({ what: "none" });
  const answer = useAnswer((signal) => readShared(ask, signal), `shared ${asked}`);
  const close = (): void => setOpen({ what: "none" });
  const done = (): void => {
    close();
    setAsked((before) => before + 1);
  };
  return (
    <main id="main">
      <h1>Calendars and filter lists</h1>
      <p class="aside">
        A calendar has events, in which the jobs that it holds for find nothing and learn nothing, unless the event says otherwise. A filter list has values that custom rules of detectors
        name. {writesAllowed() ? "What a manifest manages is changed there." : READS_ONLY}
      </p>
      <Shown answer={answer} what="Calendars and filter lists">
        {({ calendars, filters }) => (
          <>
            <Calendars calendars={calendars} onOpen={setOpen} />
            <Filters filters={filters} onOpen={setOpen} />
          </>
        )}
      </Shown>
      {open.what === "calendar" && <CalendarDialog calendar={open.calendar} onDone={done} onClose={close} />}
      {open.what === "filter" && <FilterDialog filter={open.filter} onDone={done} onClose={close} />}
      {open.what === "deletion" && <DeletionDialog what={open.of} onDone={done} onClose={close} />}
    </main>
  );
}

function Calendars(props: { calendars: readonly Calendar[]; onOpen: (open: Open) => void }): ComponentChildren {
  const { formats, now } = useShared();
  return (
    <section aria-label="Calendars">
      <h2>Calendars</h2>
      {writesAllowed() && (
        <button type="button" onClick={() => props.onOpen({ what: "calendar", calendar: undefined })}>
          New calendar …
        </button>
      )}
      {props.calendars.length === 0 ? (
        <Nothing>This server has no calendars, or these credentials see none.</Nothing>
      ) : (
        <div class="scrolling" role="region" aria-label="List of calendars" tabIndex={0}>
          <table>
            <caption>{number(props.calendars.length, formats)} calendars</caption>
            <thead>
              <tr>
                <th scope="col">Calendar</th>
                <th scope="col">Holds for</th>
                <th scope="col">Events</th>
                <th scope="col">Managed by</th>
                {writesAllowed() && <th scope="col">Change</th>}
              </tr>
            </thead>
            <tbody>
              {props.calendars.map((one) => (
                <tr key={one.id}>
                  <th scope="row">
                    {one.id}
                    {one.description !== "" && <div class="aside">{one.description}</div>}
                  </th>
                  <td>
                    {one.named.join(", ") || "nothing"}
                    <div class="aside">{names(one.jobs, "no job")}</div>
                  </td>
                  <td>
                    {number(one.events.length, formats)}
                    {one.events
                      .filter((event) => event.to > now)
                      .slice(0, MOST_NAMES)
                      .map((event) => (
                        <div key={event.id} class="aside">
                          {event.description}: {time(event.from, formats)} to {time(event.to, formats)}, {effectWords(event)}
                        </div>
                      ))}
                  </td>
                  <td>{owned(one.owner)}</td>
                  {writesAllowed() && <Changes of={one} onEdit={() => props.onOpen({ what: "calendar", calendar: one })} onOpen={props.onOpen} />}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Filters(props: { filters: readonly Filter[]; onOpen: (open: Open) => void }): ComponentChildren {
  const { formats } = useShared();
  return (
    <section aria-label="Filter lists">
      <h2>Filter lists</h2>
      {writesAllowed() && (
        <button type="button" onClick={() => props.onOpen({ what: "filter", filter: undefined })}>
          New filter list …
        </button>
      )}
      {props.filters.length === 0 ? (
        <Nothing>This server has no filter lists, or these credentials see none.</Nothing>
      ) : (
        <div class="scrolling" role="region" aria-label="List of filter lists" tabIndex={0}>
          <table>
            <caption>{number(props.filters.length, formats)} filter lists</caption>
            <thead>
              <tr>
                <th scope="col">Filter list</th>
                <th scope="col">Values</th>
                <th scope="col">Used by</th>
                <th scope="col">Managed by</th>
                {writesAllowed() && <th scope="col">Change</th>}
              </tr>
            </thead>
            <tbody>
              {props.filters.map((one) => (
                <tr key={one.id}>
                  <th scope="row">
                    {one.id}
                    {one.description !== "" && <div class="aside">{one.description}</div>}
                  </th>
                  <td>
                    {number(one.items.length, formats)}
                    <div class="aside">{names(one.items, "none")}</div>
                  </td>
                  <td>
                    {one.uses.length === 0
                      ? "no rule"
                      : one.uses.map((use) => (
                          <div key={use.job + use.detector + use.field}>
                            {use.job}: {use.detector}, where {use.field} is {use.within ? "in it" : "not in it"}
                          </div>
                        ))}
                  </td>
                  <td>{owned(one.owner)}</td>
                  {writesAllowed() && <Changes of={one} onEdit={() => props.onOpen({ what: "filter", filter: one })} onOpen={props.onOpen} />}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Changes(props: { of: Calendar | Filter; onEdit: () => void; onOpen: (open: Open) => void }): ComponentChildren {
  const { of } = props;
  if (of.owner !== undefined) {
    return <td class="aside">in its manifest</td>;
  }
  return (
    <td>
      <button type="button" aria-label={`Edit ${of.id}`} onClick={props.onEdit}>
        Edit …
      </button>{" "}
      <button type="button" aria-label={`Delete ${of.id}`} onClick={() => props.onOpen({ what: "deletion", of })}>
        Delete …
      </button>
    </td>
  );
}

function owned(owner: Owner | undefined): string {
  return owner === undefined ? "nobody" : [owner.cluster, owner.namespace, owner.name].filter(Boolean).join("/");
}

function names(all: readonly string[], none: string): string {
  if (all.length === 0) {
    return none;
  }
  const left = all.length - MOST_NAMES;
  return all.slice(0, MOST_NAMES).join(", ") + (left > 0 ? ` and ${left} more` : "");
}
