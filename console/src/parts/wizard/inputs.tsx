/** Controls of forms: a text that counts when it is whole, and choices among fields. */

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

/** A line of text, which counts when it is left or Enter is pressed. */
export function TextInput(props: {
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint?: string;
  placeholder?: string;
  choices?: readonly string[];
  problem?: string;
  wide?: boolean;
}): ComponentChildren {
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const id = useId();
  const told = [props.hint === undefined ? "" : `${id}-hint`, props.problem === undefined ? "" : `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div class={props.wide === true ? "field wide" : "field"}>
      <label for={id}>{props.label}</label>
      <input
        type="text"
        id={id}
        value={draft ?? props.value}
        {...(props.placeholder === undefined ? {} : { placeholder: props.placeholder })}
        {...(props.choices === undefined ? {} : { list: `${id}-choices` })}
        {...(told === "" ? {} : { "aria-describedby": told })}
        {...(props.problem === undefined ? {} : { "aria-invalid": true })}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onChange={(event) => {
          setDraft(undefined);
          props.onValue(event.currentTarget.value.trim());
        }}
      />
      {props.choices !== undefined && (
        <datalist id={`${id}-choices`}>
          {props.choices.map((one) => (
            <option value={one} key={one} />
          ))}
        </datalist>
      )}
      <Told id={id} hint={props.hint} problem={props.problem} />
    </div>
  );
}

/** Lines of text, such as JSON. */
export function TextArea(props: {
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint?: string;
  problems?: readonly string[];
}): ComponentChildren {
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const id = useId();
  const problem = props.problems?.length ? props.problems.join("\n") : undefined;
  return (
    <div class="field wide">
      <label for={id}>{props.label}</label>
      <textarea
        id={id}
        rows={14}
        class="text"
        value={draft ?? props.value}
        spellcheck={false}
        aria-describedby={`${id}-hint ${id}-problem`}
        {...(problem === undefined ? {} : { "aria-invalid": true })}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onChange={(event) => {
          setDraft(undefined);
          props.onValue(event.currentTarget.value);
        }}
      />
      <Told id={id} hint={props.hint} problem={problem} />
    </div>
  );
}

/** A choice; with an empty one where nothing may be chosen. */
export function Choice(props: {
  label: string;
  value: string;
  choices: readonly (readonly [value: string, words: string])[];
  onValue: (value: string) => void;
  empty?: string;
  hint?: string;
  problem?: string;
}): ComponentChildren {
  const id = useId();
  const known = props.choices.some(([value]) => value === props.value) || (props.value === "" && props.empty !== undefined);
  const told = [props.hint === undefined ? "" : `${id}-hint`, props.problem === undefined ? "" : `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        value={props.value}
        {...(told === "" ? {} : { "aria-describedby": told })}
        {...(props.problem === undefined ? {} : { "aria-invalid": true })}
        onChange={(event) => props.onValue(event.currentTarget.value)}
      >
        {props.empty !== undefined && <option value="">{props.empty}</option>}
        {!known && <option value={props.value}>{props.value === "" ? "choose" : `${props.value} (not in the indices)`}</option>}
        {props.choices.map(([value, words]) => (
          <option value={value} key={value}>
            {words}
          </option>
        ))}
      </select>
      <Told id={id} hint={props.hint} problem={props.problem} />
    </div>
  );
}

/** Yes or no. */
export function Check(props: { label: string; value: boolean; onValue: (value: boolean) => void }): ComponentChildren {
  return (
    <label class="check">
      <input type="checkbox" checked={props.value} onChange={(event) => props.onValue(event.currentTarget.checked)} /> {props.label}
    </label>
  );
}

function Told(props: { id: string; hint: string | undefined; problem: string | undefined }): ComponentChildren {
  return (
    <>
      {props.hint !== undefined && (
        <span class="aside" id={`${props.id}-hint`}>
          {props.hint}
        </span>
      )}
      {props.problem !== undefined && (
        <span class="problem lines" id={`${props.id}-problem`} role="alert">
          {props.problem}
        </span>
      )}
    </>
  );
}
