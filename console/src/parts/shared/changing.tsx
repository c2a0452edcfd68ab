/** Dialogs over what jobs share: made, changed and deleted, with the calls that it takes, and what came of them. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { readShared } from "../../rest/shared";
import { time } from "../../shape/format";
import {
  calendarChanges, calendarDeletion, calendarLeft, effectWords, filterChanges, filterDeletion, filterLeft, MOST_EVENTS, MOST_SHIFT_S, USUAL,
  type Calendar, type CalendarEvent, type Filter,
} from "../../shape/shared";
import { parseTime } from "../../state/range";
import { useShared } from "../context";
import { Dialog } from "../dialog";
import { Doing } from "../doing";
import { EventsOfFile } from "./importing";
import { Check, TextArea, TextInput } from "../wizard/inputs";

const words = (text: string, separator: RegExp): string[] => [...new Set(text.split(separator).map((one) => one.trim()).filter(Boolean))];

/** An event before anything is said of it. */
const NOTHING = { description: "", from: "", to: "", skipResult: USUAL.skipResult, skipModelUpdate: USUAL.skipModelUpdate, shift: "" };

/** Makes a calendar, or changes one. */
export function CalendarDialog(props: { calendar: Calendar | undefined; onDone: () => void; onClose: () => void }): ComponentChildren {
  const { ask, formats, now } = useShared();
  const { calendar } = props;
  const [id, setId] = useState(calendar?.id ?? "");
  const [description, setDescription] = useState(calendar?.description ?? "");
  const [named, setNamed] = useState<readonly string[]>(calendar?.named ?? []);
  const [events, setEvents] = useState<readonly CalendarEvent[]>(calendar?.events ?? []);
  const [next, setNext] = useState(NOTHING);
  const [from, to] = [parseTime(next.from, now), parseTime(next.to, now)];
  const shiftS = next.shift === "" ? 0 : Number(next.shift);
  const wrongShift = !Number.isInteger(shiftS) || Math.abs(shiftS) > MOST_SHIFT_S;
  const whole = next.description !== "" && from !== undefined && to !== undefined && from < to && !wrongShift;
  const add = (): void => {
    if (whole) {
      const { description, skipResult, skipModelUpdate } = next;
      setEvents([...events, { id: undefined, description, from, to, effect: { skipResult, skipModelUpdate, shiftS } }]);
      setNext(NOTHING);
    }
  };
  return (
    <Dialog title={calendar === undefined ? "New calendar" : `Calendar: ${calendar.id}`} onClose={props.onClose}>
      {calendar === undefined && (
        <div class="inputs">
          <TextInput label="Calendar id" value={id} onValue={setId} />
          <TextInput label="Description" value={description} onValue={setDescription} />
        </div>
      )}
      <TextInput label="Holds for" value={named.join(", ")} onValue={(text) => setNamed(words(text, /,/))} hint="Ids of jobs and names of groups, with commas; _all for all." wide />
      <h3>Events</h3>
      <ul class={events.length > 10 ? "messages low" : "messages"} {...(events.length > 10 ? { tabIndex: 0, "aria-label": "Events" } : {})}>
        {events.map((event, index) => (
          <li key={event.id ?? index}>
            {event.description}: {time(event.from, formats)} to {time(event.to, formats)} <span class="aside">({effectWords(event)})</span>{" "}
            <button type="button" class="plain" aria-label={`Take ${event.description} away`} onClick={() => setEvents(events.filter((_, k) => k !== index))}>
              take away
            </button>
          </li>
        ))}
        {events.length === 0 && <li class="aside">None yet: a calendar without events changes nothing.</li>}
      </ul>
      <div class="inputs" role="group" aria-label="Next event">
        <TextInput label="What happens" value={next.description} onValue={(text) => setNext({ ...next, description: text })} />
        <TextInput label="Begins" value={next.from} onValue={(text) => setNext({ ...next, from: text })} placeholder="2026-01-31T22:00Z" />
        <TextInput label="Ends" value={next.to} onValue={(text) => setNext({ ...next, to: text })} placeholder="2026-02-01T02:00Z" />
        <Check label="No anomalies in it" value={next.skipResult} onValue={(skipResult) => setNext({ ...next, skipResult })} />
        <Check label="Nothing is learnt from it" value={next.skipModelUpdate} onValue={(skipModelUpdate) => setNext({ ...next, skipModelUpdate })} />
        <TextInput
          label="Move clocks by"
          value={next.shift}
          onValue={(shift) => setNext({ ...next, shift })}
          placeholder="0"
          hint="Seconds, such as 3600 where clocks go forward; Elasticsearch knows it from 8.16 on."
          {...(wrongShift ? { problem: `“${next.shift}” is no whole number from -${MOST_SHIFT_S} to ${MOST_SHIFT_S}.` } : {})}
        />
        <button type="button" disabled={!whole} onClick={add}>
          Add the event
        </button>
      </div>
      <EventsOfFile there={events} onTake={(taken) => setEvents([...events, ...taken].sort((a, b) => a.from - b.from))} />
      <Doing
        changes={calendarChanges(calendar, { id, description, named, events })}
        left={async () => calendarLeft((await readShared(ask)).calendars, { id, description, named, events })}
        verb={calendar === undefined ? "Make the calendar" : "Change the calendar"}
        fault={id === "" ? "Give the calendar an id." : events.length > MOST_EVENTS ? `At most ${MOST_EVENTS} events fit.` : undefined}
        onDone={props.onDone}
        onClose={props.onClose}
      />
    </Dialog>
  );
}

/** Makes a filter list, or changes one. */
export function FilterDialog(props: { filter: Filter | undefined; onDone: () => void; onClose: () => void }): ComponentChildren {
  const { ask } = useShared();
  const { filter } = props;
  const [id, setId] = useState(filter?.id ?? "");
  const [description, setDescription] = useState(filter?.description ?? "");
  const [items, setItems] = useState<readonly string[]>(filter?.items ?? []);
  return (
    <Dialog title={filter === undefined ? "New filter list" : `Filter list: ${filter.id}`} onClose={props.onClose}>
      <div class="inputs">
        {filter === undefined && <TextInput label="Filter id" value={id} onValue={setId} />}
        <TextInput label="Description" value={description} onValue={setDescription} />
      </div>
      <TextArea label="Values" value={items.join("\n")} onValue={(text) => setItems(words(text, /\n/))} hint="One a line; * at the beginning or the end stands for anything." />
      <Doing
        changes={filterChanges(filter, { id, description, items })}
        left={async () => filterLeft((await readShared(ask)).filters, { id, description, items })}
        verb={filter === undefined ? "Make the filter list" : "Change the filter list"}
        fault={id === "" ? "Give the list an id." : undefined}
        onDone={props.onDone}
        onClose={props.onClose}
      />
    </Dialog>
  );
}

/** Asks before something is deleted, and says what that bears on. */
export function DeletionDialog(props: { what: Calendar | Filter; onDone: () => void; onClose: () => void }): ComponentChildren {
  const { ask } = useShared();
  const { what } = props;
  const isCalendar = "events" in what;
  const change = isCalendar ? calendarDeletion(what) : filterDeletion(what);
  const jobs = isCalendar ? what.jobs : [...new Set(what.uses.map((use) => use.job))];
  return (
    <Dialog title={`Delete: ${what.id}`} onClose={props.onClose}>
      <p>
        {isCalendar
          ? `Its ${what.events.length} events go with it. What jobs have skipped because of them stays skipped.`
          : `Its ${what.items.length} values go with it.`}
        {jobs.length > 0 && ` It bears on ${jobs.join(", ")}.`}
      </p>
      <Doing
        changes={[change]}
        left={async () => {
          const there = await readShared(ask);
          return (isCalendar ? there.calendars : there.filters).some((one) => one.id === what.id) ? [change] : [];
        }}
        verb="Delete it"
        fault={!isCalendar && what.uses.length > 0 ? "Rules use it: the server keeps it until they name it no more." : undefined}
        onDone={props.onDone}
        onClose={props.onClose}
      />
    </Dialog>
  );
}
