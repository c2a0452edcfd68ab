/** Manifests of generated forms beside the bodies that they come to, for the reader of manifests to compare. */

import { bodiesOf, feedId } from "../src/shape/wizard/bodies";
import { manifestText } from "../src/shape/wizard/manifest";
import { yaml } from "../src/shape/yaml";
import { seeded, wholeForm } from "./forms";
import { anyText } from "./generated";

/** Writes cases as JSON. */
export function manifestCases(count: number): string {
  const cases = [...seeded(count)].map((random) => {
    const bodies = bodiesOf(wholeForm(random)).bodies;
    if (bodies === undefined) {
      throw new Error("a form that says too little");
    }
    return { ...bodies, feedId: feedId(bodies.name), text: manifestText(bodies) };
  });
  return JSON.stringify(cases);
}

const SIGNS = ["yes", "No", "1e3", "0x1f", "1:30", "~", "", " ", "- a", "a: b", "#", "'", '"', "\\", "\n", "\t", "\u0085", "\u2028", "\ufeff", "\u0000", "é😀", "2026-01-01", ".inf", "=", "<<", "1_0", "&a", "*a", "!x", "%", "@", "`", "{", "[", ",", "?", "|", ">"];

/** Writes values beside their YAML, as JSON. */
export function yamlCases(count: number): string {
  const cases = [...seeded(count)].map((random) => {
    const pick = (): string => (random() < 0.5 ? (SIGNS[Math.floor(random() * SIGNS.length)] as string) : anyText(random));
    const value = (depth: number): any => {
      const roll = random();
      if (depth > 0 && roll < 0.3) {
        return Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, () => [pick() + pick(), value(depth - 1)]));
      }
      if (depth > 0 && roll < 0.5) {
        return Array.from({ length: Math.floor(random() * 4) }, () => value(depth - 1));
      }
      return [pick() + pick(), pick(), null, true, false, random() * 10 ** (random() * 60 - 30), Math.floor(random() * 1e6), 1e21, -1e-7][Math.floor(random() * 9)];
    };
    const made = value(4);
    return { value: made, text: yaml(made) };
  });
  return JSON.stringify(cases);
}
