/** The query bar: texts in two languages, which the server reads, and terms that are added to them. */

export const LANGUAGES = ["kql", "lucene"] as const;
export type Language = (typeof LANGUAGES)[number];

/** A text of the query bar, and the language that it is written in. */
export interface Question {
  readonly text: string;
  readonly language: Language;
}

/** The language of an address: the one it names, KQL where the server reads it, else Lucene. */
export function languageOf(named: string | undefined, kql: boolean): Language {
  return LANGUAGES.find((one) => one === named) ?? (kql ? "kql" : "lucene");
}

/** The clause that the server is sent; none where nothing is asked. */
export function clauseOf(question: Question): { [key: string]: { query: string } } | undefined {
  if (question.text.trim() === "") {
    return undefined;
  }
  return question.language === "kql" ? { kql: { query: question.text } } : { query_string: { query: question.text } };
}

const SPECIAL: Readonly<Record<Language, RegExp>> = {
  kql: /[\\():<>"*{}\s]/g,
  lucene: /[-\\+!(){}[\]^"~*?:/=&|<>\s]/g,
};

/** A question for documents with a value of a field, or without it, and for what was asked before. */
export function narrowed(question: Question, field: string, value: string, present: boolean): Question {
  const { language, text } = question;
  const name = field.replace(SPECIAL[language], (found) => `\\${found}`);
  const quoted = `"${value.replace(/[\\"]/g, (found) => `\\${found}`)}"`;
  const [and, not] = language === "kql" ? ["and", "not"] : ["AND", "NOT"];
  const term = `${present ? "" : `${not} `}${name}:${quoted}`;
  return { language, text: text.trim() === "" ? term : `(${text.trim()}) ${and} ${term}` };
}
