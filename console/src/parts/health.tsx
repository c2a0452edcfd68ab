/** Whether a job is well: what was found, the worst first, with what says so. */

import type { ComponentChildren } from "preact";
import { useAnswer } from "./asking";
import { useShared } from "./context";
import { Copyable } from "./copying";
import { Shown } from "./states";
import { readDelays, readNotes } from "../rest/health";
import type { Detail } from "../rest/detail";
import { findings, verdict, type Level } from "../shape/health";
import { shellWord } from "../shape/ownership";

const CLASSES: Readonly<Record<Level, string>> = { ok: "good", info: "", warning: "notable", critical: "bad" };

/** The findings about one job. */
export function HealthOf(props: { detail: Detail }): ComponentChildren {
  const { ask, now } = useShared();
  const { job, config, feed, stats, feedStats } = props.detail;
  const answer = useAnswer(
    async (signal) =>
      await Promise.all([readNotes(ask, job.id, now, signal), readDelays(ask, now, job.id, signal)]),
    job.id,
  );
  return (
    <>
      <h2>Health</h2>
      <Shown answer={answer} what="Health">
        {([notes, delays]) => {
          const found = findings({ config, feed, stats, feedStats, notes, delays: delays.get(job.id) ?? [] });
          return (
            <>
              <p>
                <strong class={CLASSES[found[0]?.level ?? "ok"]}>{verdict(found)}</strong>
              </p>
              <div class="scrolling" tabIndex={0} role="region" aria-label="Findings">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Severity</th>
                      <th scope="col">About</th>
                      <th scope="col">Found</th>
                      <th scope="col">What says so</th>
                    </tr>
                  </thead>
                  <tbody>
                    {found.map((one) => (
                      <tr key={one.tree + one.text}>
                        <td class={CLASSES[one.level]}>{one.level}</td>
                        <td>{one.tree}</td>
                        <td>{one.text}</td>
                        <td>{one.evidence}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </>
          );
        }}
      </Shown>
      <p>The command line also compares the source with the results, and says in which order to mend what is wrong:</p>
      <Copyable what="The command" text={`anomalyops troubleshoot ${shellWord(job.id)} --url URL\n`} />
    </>
  );
}
