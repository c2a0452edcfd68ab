/** A rule made of an anomaly: written at once where that is allowed, else as what is to be committed. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { Copyable } from "../copying";
import { Shown } from "../states";
import { READS_ONLY, writesAllowed } from "../writes";
import type { Detector, Job } from "../../rest/jobs";
import type { Anomaly } from "../../rest/results";
import { addRule, readRules, rulesCall, type Rules } from "../../rest/rules";
import { ServerError } from "../../rest/server";
import { number } from "../../shape/format";
import { ownerWords } from "../../shape/ownership";
import {
  ACTION_WORDS,
  ACTIONS,
  APPLIES_TO,
  APPLIES_WORDS,
  comparable,
  inManifest,
  OPERATOR_WORDS,
  OPERATORS,
  ruleBody,
  ruleFault,
  rulesChange,
  rulesCommand,
  ruleWords,
  suggestion,
  type Condition,
  type Rule,
  type Scope,
} from "../../shape/rules";

/** The form that makes a rule of an anomaly. */
export function RuleOf(props: { anomaly: Anomaly; job: Job; detector: Detector }): ComponentChildren {
  const { ask } = useShared();
  const { job, detector } = props;
  const answer = useAnswer((signal) => readRules(ask, job.id, detector.index, signal), `${job.id} ${detector.index}`);
  return (
    <Shown answer={answer} what="Rules">
      {(found) => <Making {...props} found={found} />}
    </Shown>
  );
}

function Making(props: { anomaly: Anomaly; job: Job; detector: Detector; found: Rules }): ComponentChildren {
  const { ask, formats } = useShared();
  const { job, detector, found } = props;
  const [rule, setRule] = useState<Rule>(suggestion(props.anomaly, detector));
  const [said, setSaid] = useState<{ good: boolean; words: string } | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const fault = ruleFault(rule);
  const save = (event: Event): void => {
    event.preventDefault();
    if (fault !== "" || busy) {
      return;
    }
    setBusy(true);
    addRule(ask, job.id, detector.index, ruleBody(rule))
      .then(
        (after) => setSaid({ good: true, words: `Done: the detector has ${number(after.length, formats)} rules now.` }),
        (error: unknown) => {
          const advice = error instanceof ServerError && error.advice !== "" ? ` ${error.advice}` : "";
          setSaid({ good: false, words: `${error instanceof Error ? error.message : String(error)}${advice}` });
        },
      )
      .finally(() => setBusy(false));
  };
  return (
    <form class="writing" aria-label="Rule from this anomaly" onSubmit={save}>
      <fieldset>
        <legend>What it does</legend>
        {ACTIONS.map((action) => (
          <label class="choice" key={action}>
            <input
              type="checkbox"
              checked={rule.actions.includes(action)}
              onChange={(event) =>
                setRule({
                  ...rule,
                  actions: ACTIONS.filter((one) => (one === action ? event.currentTarget.checked : rule.actions.includes(one))),
                })
              }
            />{" "}
            {ACTION_WORDS[action]} ({action})
          </label>
        ))}
      </fieldset>
      {comparable(detector) && (
        <Conditioned
          of={props.anomaly}
          detector={detector}
          condition={rule.condition}
          onChange={(condition) => setRule({ ...rule, condition })}
        />
      )}
      <Scoped detector={detector} filters={found.filters} rule={rule} onChange={(scopes) => setRule({ ...rule, scopes })} />
      <p class="wide">
        <strong>{ruleWords(rule, formats)}</strong> It counts for results from now on; the detector has{" "}
        {number(found.rules.length, formats)} rules.
      </p>
      {fault !== "" ? (
        <p class="wide problem">{fault}</p>
      ) : (
        <Writing job={job} detector={detector} rule={rule} found={found} busy={busy} />
      )}
      {said && (
        <p class={said.good ? "wide good" : "wide problem"} role="status">
          {said.words}
        </p>
      )}
    </form>
  );
}

function Conditioned(props: {
  of: Anomaly;
  detector: Detector;
  condition: Condition | undefined;
  onChange: (condition: Condition | undefined) => void;
}): ComponentChildren {
  const { condition, onChange } = props;
  const [text, setText] = useState(condition === undefined ? "" : String(condition.value));
  const begun: Condition = { appliesTo: "actual", operator: "lte", value: Number(text === "" ? Number.NaN : text) };
  return (
    <fieldset>
      <legend>Condition</legend>
      <label class="choice">
        <input
          type="checkbox"
          checked={condition !== undefined}
          onChange={(event) =>
            onChange(event.currentTarget.checked ? (suggestion(props.of, props.detector).condition ?? begun) : undefined)
          }
        />{" "}
        only where
      </label>
      {condition !== undefined && (
        <>
          <select
            aria-label="Which value"
            value={condition.appliesTo}
            onChange={(event) => {
              const chosen = APPLIES_TO.find((one) => one === event.currentTarget.value);
              onChange({ ...condition, appliesTo: chosen ?? "actual" });
            }}
          >
            {APPLIES_TO.map((one) => (
              <option value={one} key={one}>
                {APPLIES_WORDS[one]}
              </option>
            ))}
          </select>{" "}
          <select
            aria-label="How it compares"
            value={condition.operator}
            onChange={(event) => {
              const chosen = OPERATORS.find((one) => one === event.currentTarget.value);
              onChange({ ...condition, operator: chosen ?? "lte" });
            }}
          >
            {OPERATORS.map((one) => (
              <option value={one} key={one}>
                {OPERATOR_WORDS[one]}
              </option>
            ))}
          </select>{" "}
          <input
            aria-label="With which number"
            size={12}
            value={text}
            onInput={(event) => {
              const typed = event.currentTarget.value;
              setText(typed);
              onChange({ ...condition, value: typed.trim() === "" ? Number.NaN : Number(typed) });
            }}
          />
        </>
      )}
    </fieldset>
  );
}

function Scoped(props: {
  detector: Detector;
  filters: readonly string[];
  rule: Rule;
  onChange: (scopes: readonly Scope[]) => void;
}): ComponentChildren {
  const { detector, filters, rule } = props;
  const fields = detector.splits.map(({ field }) => field).filter((field) => field !== "mlcategory");
  if (fields.length === 0) {
    return null;
  }
  if (filters.length === 0) {
    return <p class="wide aside">This server has no filter lists that a rule could name.</p>;
  }
  const choices = filters.flatMap((filter) => (["include", "exclude"] as const).map((type) => ({ filter, type })));
  return (
    <fieldset>
      <legend>For which values</legend>
      {fields.map((field) => {
        const chosen = rule.scopes.find((one) => one.field === field);
        return (
          <label key={field}>
            {field}{" "}
            <select
              value={chosen === undefined ? "" : JSON.stringify([chosen.filter, chosen.type])}
              onChange={(event) => {
                const text = event.currentTarget.value;
                const found = choices.find(({ filter, type }) => JSON.stringify([filter, type]) === text);
                const others = rule.scopes.filter((one) => one.field !== field);
                props.onChange(found === undefined ? others : [...others, { field, ...found }]);
              }}
            >
              <option value="">any value</option>
              {choices.map(({ filter, type }) => (
                <option value={JSON.stringify([filter, type])} key={`${filter} ${type}`}>
                  {type === "include" ? "in" : "not in"} {filter}
                </option>
              ))}
            </select>
          </label>
        );
      })}
    </fieldset>
  );
}

function Writing(props: { job: Job; detector: Detector; rule: Rule; found: Rules; busy: boolean }): ComponentChildren {
  const { job, detector } = props;
  const rules = [...props.found.rules, ruleBody(props.rule)];
  if (job.mark !== undefined) {
    const written = inManifest(rules);
    const command = rulesCommand(job.mark, detector.index, written);
    return (
      <div class="wide">
        <p>The job is managed by {ownerWords(job.mark)}: its rules are changed there, or they are set back.</p>
        <Copyable what="What to commit" text={rulesChange(job.mark, detector.index, written)} />
        {command !== undefined && <Copyable what="The same as a command" text={command} />}
      </div>
    );
  }
  const call = rulesCall(job.id, detector.index, rules);
  return (
    <div class="wide">
      <Copyable what="The call" text={`POST ${call.path}\n${JSON.stringify(call.body, undefined, 2)}`} />
      {writesAllowed() ? (
        <button type="submit" disabled={props.busy}>
          {props.busy ? "Writing …" : "Add the rule"}
        </button>
      ) : (
        <span class="aside">{READS_ONLY}</span>
      )}
    </div>
  );
}
