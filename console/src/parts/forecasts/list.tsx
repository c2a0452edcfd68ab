/** The forecasts of a job, each with its way to the chart, and to be deleted. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { Dialog } from "../dialog";
import { To } from "../marks";
import { Nothing, Shown } from "../states";
import { READS_ONLY, writesAllowed } from "../writes";
import { MOST_FORECASTS, readForecasts, type Forecast } from "../../rest/forecasts/forecasts";
import type { Job } from "../../rest/jobs";
import { ServerError } from "../../rest/server";
import { callLine, forecastDeletion } from "../../shape/actions";
import { number, time } from "../../shape/format";

/** The list. */
export function ForecastsOf(props: { job: Job }): ComponentChildren {
  const { ask, formats } = useShared();
  const { job } = props;
  const [asked, setAsked] = useState(0);
  const answer = useAnswer((signal) => readForecasts(ask, job.id, signal), `${job.id} ${asked}`);
  const [chosen, setChosen] = useState<Forecast>();
  return (
    <>
      <h2>Forecasts</h2>
      {!writesAllowed() && <p class="aside">{READS_ONLY}</p>}
      <Shown answer={answer} what="Forecasts">
        {(forecasts) =>
          forecasts.length === 0 ? (
            <Nothing>The job has none, or they have expired. The single metric viewer asks for one.</Nothing>
          ) : (
            <div class="scrolling" tabIndex={0} role="region" aria-label="Forecasts">
              <table>
                <caption>
                  The newest {number(forecasts.length, formats)}, at most {number(MOST_FORECASTS, formats)}
                </caption>
                <thead>
                  <tr>
                    <th scope="col">Asked for</th>
                    <th scope="col">From</th>
                    <th scope="col">To</th>
                    <th scope="col">State</th>
                    <th scope="col">Messages</th>
                    <th scope="col">Expires</th>
                    <th scope="col">Forecast</th>
                  </tr>
                </thead>
                <tbody>
                  {forecasts.map((one) => (
                    <Row key={one.id} job={job} forecast={one} onDelete={() => setChosen(one)} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
      {chosen && (
        <Deleting
          job={job}
          forecast={chosen}
          onClose={() => {
            setChosen(undefined);
            setAsked((before) => before + 1);
          }}
        />
      )}
    </>
  );
}

function Row(props: { job: Job; forecast: Forecast; onDelete: () => void }): ComponentChildren {
  const { formats } = useShared();
  const { forecast } = props;
  const when = time(forecast.createdMs, formats);
  return (
    <tr>
      <th scope="row" class="moment">
        {when}
      </th>
      <td class="moment">{time(forecast.range.from, formats)}</td>
      <td class="moment">{time(forecast.range.to, formats)}</td>
      <td class={forecast.status === "failed" ? "bad" : ""}>
        {forecast.status}
        {forecast.progress < 1 && `, ${number(Math.round(forecast.progress * 100), formats)} %`}
      </td>
      <td>{forecast.messages.join("; ")}</td>
      <td class="moment">{forecast.expiresMs === undefined ? "never" : time(forecast.expiresMs, formats)}</td>
      <td>
        <To
          place={{
            view: "series",
            params: { job: props.job.id, forecast: forecast.id, to: new Date(forecast.range.to).toISOString() },
          }}
          label={`View the forecast of ${when}`}
        >
          View
        </To>
        {writesAllowed() && (
          <button type="button" aria-label={`Delete the forecast of ${when}`} onClick={props.onDelete}>
            Delete…
          </button>
        )}
      </td>
    </tr>
  );
}

function Deleting(props: { job: Job; forecast: Forecast; onClose: () => void }): ComponentChildren {
  const { ask, formats } = useShared();
  const { job, forecast } = props;
  const [said, setSaid] = useState<{ good: boolean; words: string }>();
  const call = forecastDeletion(job.id, forecast.id);
  const remove = async (): Promise<void> => {
    setSaid({ good: true, words: "deleting …" });
    try {
      await ask(call.method, call.path);
      const left = await readForecasts(ask, job.id);
      const gone = left.every((one) => one.id !== forecast.id);
      setSaid({ good: gone, words: gone ? "done: the server has it no more" : "failed: the server still has it" });
    } catch (error) {
      const advice = error instanceof ServerError ? ` ${error.advice}` : "";
      setSaid({ good: false, words: `failed: ${(error as Error).message}${advice}` });
    }
  };
  return (
    <Dialog title={`Delete a forecast of ${job.id}`} onClose={props.onClose}>
      <p>
        The forecast of {time(forecast.createdMs, formats)}, from {time(forecast.range.from, formats)} to{" "}
        {time(forecast.range.to, formats)}. This cannot be taken back; another one can be asked for.
      </p>
      <p>
        <code>{callLine(call)}</code>
      </p>
      <p role="status" class={said === undefined || said.good ? "" : "problem"}>
        {said?.words}
      </p>
      <div class="tools">
        {said === undefined && (
          <button type="button" onClick={() => void remove()}>
            Delete the forecast
          </button>
        )}
        <button type="button" onClick={props.onClose}>
          {said === undefined ? "Cancel" : "Close this dialog"}
        </button>
      </div>
    </Dialog>
  );
}
