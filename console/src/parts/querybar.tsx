/** A query bar: a text in one of the languages that the server reads. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useShared } from "./context";
import { LANGUAGES, type Language, type Question } from "../state/querying";
import { withParams } from "../state/place";

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { kql: "KQL", lucene: "Lucene" };

/** The bar; what is asked stands in the address. Give it a key of the question, so that it shows what that became. */
export function QueryBar(props: {
  question: Question;
  /** Whether the server reads KQL. */
  kql: boolean;
  examples: Readonly<Record<Language, string>>;
  /** Parameters of the address that a new question takes away. */
  forgets: readonly string[];
}): ComponentChildren {
  const { place, go } = useShared();
  const { question } = props;
  const [text, setText] = useState(question.text);
  const offered = LANGUAGES.filter((one) => one !== "kql" || props.kql || question.language === "kql");
  const ask = (language: Language): void => {
    const forgotten = Object.fromEntries(props.forgets.map((name) => [name, ""]));
    go(withParams(place, { ...forgotten, query: text.trim(), lang: language }));
  };
  return (
    <form
      class="query"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        ask(question.language);
      }}
    >
      <label>
        Query{" "}
        <input
          type="search"
          size={40}
          value={text}
          placeholder={props.examples[question.language]}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <label>
        <span class="unseen">Language of the query</span>
        <select value={question.language} onChange={(event) => ask(event.currentTarget.value as Language)}>
          {offered.map((one) => (
            <option value={one} key={one}>
              {LANGUAGE_NAMES[one]}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Search</button>
      {!props.kql && <span class="aside">This server reads Lucene only; KQL came with Elasticsearch 8.17.</span>}
    </form>
  );
}
