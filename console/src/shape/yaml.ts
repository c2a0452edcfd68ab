/** YAML of values of JSON, as every reader of YAML 1.1 and 1.2 takes it: what could mean something else is quoted. */

import type { Json } from "../rest/server";

const WORD = /^[A-Za-z][\w./-]*(?: [\w./,()-]+)*$/;
const MEASURE = /^[1-9]\d*(?:[smhd]|[kmgt]b)$/;
const MEANS_SOMETHING = /^(?:true|false|yes|no|on|off|null|y|n)$/i;
// Not printable in YAML, or taken for an end of line.
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Documents, with `---` between them. */
export function yamlDocuments(values: readonly Json[]): string {
  return values.map((value) => yaml(value)).join("---\n");
}

/** A value as one document. */
export function yaml(value: Json): string {
  return isEmptyOrPlain(value) ? `${scalar(value)}\n` : block(value, "");
}

function block(value: Json, indent: string): string {
  if (Array.isArray(value)) {
    return value.map((one) => (isEmptyOrPlain(one) ? `${indent}- ${scalar(one)}\n` : `${indent}- ${block(one, `${indent}  `).slice(indent.length + 2)}`)).join("");
  }
  return Object.entries(value as { [key: string]: Json })
    .map(([key, one]) => {
      const name = `${indent}${written(key)}:`;
      if (isEmptyOrPlain(one)) {
        return `${name} ${scalar(one)}\n`;
      }
      return `${name}\n${block(one, Array.isArray(one) ? indent : `${indent}  `)}`;
    })
    .join("");
}

function isEmptyOrPlain(value: Json): boolean {
  return typeof value !== "object" || value === null || Object.keys(value).length === 0;
}

function scalar(value: Json): string {
  if (typeof value === "string") {
    return written(value);
  }
  const text = JSON.stringify(value);
  // YAML 1.1 knows an exponent only beside a point.
  return typeof value === "number" ? text.replace(/^(-?\d+)e/, "$1.0e") : text;
}

function written(text: string): string {
  if ((WORD.test(text) && !MEANS_SOMETHING.test(text)) || MEASURE.test(text)) {
    return text;
  }
  return yamlText(text);
}

/** A text of YAML's in quotes, whatever stands in it: JSON's texts are YAML's. */
export function yamlText(text: string): string {
  return JSON.stringify(text).replace(UNPRINTABLE, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
