/** Events of a calendar file: what they would be is shown before they are taken over. */

import type { ComponentChildren } from "preact";
import { useId, useMemo, useState } from "preact/hooks";
import { number, time } from "../../shape/format";
import { DAYS_AHEAD, DAYS_BACK, importOf, windowAbout, type Import } from "../../shape/ics/importing";
import { IcsError } from "../../shape/ics/rules";
import type { CalendarEvent } from "../../shape/shared";
import { useShared } from "../context";
import { Nothing } from "../states";
import { TextInput } from "../wizard/inputs";

/** Events that are shown of a file. */
const SHOWN = 100;
/** Ten years of days. */
const MOST_DAYS = 3660;

interface Given {
  readonly name: string;
  readonly text: string;
}

/** A file, how far it is written out, and what comes of that. */
export function EventsOfFile(props: { there: readonly CalendarEvent[]; onTake: (events: readonly CalendarEvent[]) => void }): ComponentChildren {
  const { formats, now } = useShared();
  const [given, setGiven] = useState<Given>();
  const [ahead, setAhead] = useState(String(DAYS_AHEAD));
  const [back, setBack] = useState(String(DAYS_BACK));
  const [zone, setZone] = useState(formats.zone);
  const [taken, setTaken] = useState("");
  const id = useId();
  const days = [back, ahead].map((text) => (/^\d{1,4}$/.test(text) && Number(text) <= MOST_DAYS ? Number(text) : undefined));
  const read = useMemo(() => {
    const [before, after] = days;
    return given === undefined || before === undefined || after === undefined ? undefined : readGiven(given, zone, now, before, after, props.there);
  }, [given, zone, back, ahead, props.there]);
  const choose = async (file: File | undefined): Promise<void> => {
    setTaken("");
    setGiven(file === undefined ? undefined : { name: file.name, text: await file.text() });
  };
  const problem = (at: number): { problem: string } | object =>
    days[at] === undefined ? { problem: `Give a number of days from 0 to ${number(MOST_DAYS, formats)}.` } : {};
  return (
    <details>
      <summary>Events of a file (.ics)</summary>
      <div
        class="inputs"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void choose(event.dataTransfer?.files[0]);
        }}
      >
        <div class="field">
          <label for={id}>Calendar file, chosen or dropped here</label>
          <input id={id} type="file" accept=".ics,text/calendar" onChange={(event) => void choose(event.currentTarget.files?.[0])} />
        </div>
        <TextInput label="Days ahead" value={ahead} onValue={setAhead} {...problem(1)} />
        <TextInput label="Days back" value={back} onValue={setBack} {...problem(0)} />
        <TextInput label="Time zone of times without one" value={zone} onValue={setZone} hint="A name such as Europe/Berlin." />
      </div>
      <p class="aside">
        A server knows single events: those that come again are written out so many days ahead. For calendars that go on by
        themselves, an AnomalyCalendar follows the file by the same rules.
      </p>
      {taken !== "" && <p role="status">{taken}</p>}
      {read !== undefined && "refused" in read && (
        <p class="problem" role="alert">
          {given?.name}: {read.refused}
        </p>
      )}
      {read !== undefined && !("refused" in read) && given !== undefined && taken === "" && (
        <Preview
          name={given.name}
          read={read}
          onTake={() => {
            props.onTake(read.events);
            setTaken(`${number(read.events.length, formats)} events of ${given.name} are in the list above; they are written with the calendar.`);
          }}
        />
      )}
    </details>
  );
}

function readGiven(given: Given, zone: string, now: number, back: number, ahead: number, there: readonly CalendarEvent[]): Import | { refused: string } {
  try {
    return importOf(given.text, zone, windowAbout(now, back, ahead), there);
  } catch (error) {
    if (error instanceof IcsError) {
      return { refused: error.message };
    }
    throw error;
  }
}

function Preview(props: { name: string; read: Import; onTake: () => void }): ComponentChildren {
  const { formats } = useShared();
  const { read } = props;
  const count = (of: number, one: string, many: string): string => `${number(of, formats)} ${of === 1 ? one : many}`;
  return (
    <section aria-label="Events of the file">
      <p role="status">
        {props.name}: {count(read.events.length, "event", "events")} of this time to add
        {read.known > 0 && `, ${number(read.known, formats)} there already`}
        {read.outside > 0 && `, ${count(read.outside, "entry", "entries")} with none in this time`}
        {read.skipped.length > 0 && `, ${count(read.skipped.length, "entry", "entries")} left out`}.
      </p>
      {read.skipped.length > 0 && (
        <ul class="messages notable low" aria-label="Left out" tabIndex={0}>
          {read.skipped.map((why, place) => (
            <li key={`${place} ${why}`}>Left out: {why}</li>
          ))}
        </ul>
      )}
      {read.events.length === 0 ? (
        <Nothing>Nothing to add.</Nothing>
      ) : (
        <div class="scrolling low" tabIndex={0} role="region" aria-label="Table of the file's events">
          <table>
            <caption>
              {read.events.length > SHOWN ? `The first ${number(SHOWN, formats)} of ${number(read.events.length, formats)} events` : "The events"}, in{" "}
              {formats.zone}
            </caption>
            <thead>
              <tr>
                <th scope="col">What happens</th>
                <th scope="col">Begins</th>
                <th scope="col">Ends</th>
              </tr>
            </thead>
            <tbody>
              {read.events.slice(0, SHOWN).map((event) => (
                <tr key={`${event.from} ${event.to} ${event.description}`}>
                  <th scope="row" class="name">{event.description}</th>
                  <td class="moment">{time(event.from, formats)}</td>
                  <td class="moment">{time(event.to, formats)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {read.fault !== undefined && (
        <p class="problem" role="alert">
          Not yet: {read.fault}.
        </p>
      )}
      <button type="button" disabled={read.fault !== undefined || read.events.length === 0} onClick={props.onTake}>
        Take them over
      </button>
    </section>
  );
}
