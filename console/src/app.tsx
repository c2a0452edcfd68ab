/** The application: the view that the address names, and the ways to the others. */

import { render, type ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { SharedContext, type Shared } from "./parts/context";
import { To } from "./parts/marks";
import { server } from "./rest/server";
import { formatPlace, parsePlace, type Place, type View } from "./state/place";
import { Data } from "./views/data";
import { Explorer } from "./views/explorer";
import { Jobs } from "./views/jobs";
import { ReportView } from "./views/report";
import { SeriesView } from "./views/series";
import { SharedView } from "./views/shared";
import { Wizard } from "./views/wizard";

const NAMES: Readonly<Record<View, string>> = {
  data: "Data",
  jobs: "Jobs",
  explorer: "Anomaly explorer",
  series: "Single metric viewer",
  new: "New job",
  shared: "Calendars and filters",
  report: "Investigations",
};

function zones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
}

function App(): ComponentChildren {
  const [place, setPlace] = useState<Place>(() => parsePlace(location.hash));
  useEffect(() => {
    const follow = (): void => setPlace(parsePlace(location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    document.title = `${NAMES[place.view]} – anomalyops`;
  }, [place.view]);
  const zone = place.params["zone"] ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shared = useMemo<Shared>(
    () => ({
      ask: server(new URL("../", document.baseURI).href),
      place,
      go: (next) => {
        location.hash = formatPlace(next);
      },
      formats: { locale: navigator.language, zone: known(zone) ? zone : "UTC" },
      now: Date.now(),
    }),
    [place, zone],
  );
  return (
    <SharedContext.Provider value={shared}>
      <a class="skip" href="#main" onClick={skip}>
        To the content
      </a>
      <header>
        <strong>anomalyops</strong>
        <nav aria-label="Views">
          {(Object.keys(NAMES) as View[]).map((view) => (
            <span key={view} {...(view === place.view ? { "aria-current": "page" as const } : {})}>
              <To place={{ view, params: place.params["zone"] ? { zone: place.params["zone"] } : {} }}>{NAMES[view]}</To>
            </span>
          ))}
        </nav>
        <label>
          Time zone{" "}
          <select
            value={shared.formats.zone}
            onChange={(event) =>
              shared.go({ ...place, params: { ...place.params, zone: event.currentTarget.value } })
            }
          >
            {zones().map((name) => (
              <option value={name} key={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </header>
      {place.view === "data" && <Data />}
      {place.view === "jobs" && <Jobs />}
      {place.view === "explorer" && <Explorer />}
      {place.view === "series" && <SeriesView />}
      {place.view === "new" && <Wizard />}
      {place.view === "shared" && <SharedView />}
      {place.view === "report" && <ReportView />}
    </SharedContext.Provider>
  );
}

function known(zone: string): boolean {
  try {
    return Boolean(Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

function skip(event: Event): void {
  event.preventDefault();
  const main = document.getElementById("main");
  main?.setAttribute("tabindex", "-1");
  main?.focus();
}

render(<App />, document.getElementById("app") as HTMLElement);
