/** What a form asks, in a sentence. */

import type { Form } from "./form";
import { functionOf } from "./functions";

/** What a job of such a form finds; empty while too little is filled in. */
export function sentenceOf(form: Form): string {
  const figures = form.metrics.map((one) => {
    const { words, side, needs } = functionOf(one.function) ?? { words: one.function, side: "", needs: "value" };
    return one.field === "" || needs === "nothing" ? words + side : `${words} of ${one.field}${side}`;
  });
  const each = form.split === "" ? "" : `, for each ${form.split} apart`;
  switch (form.kind) {
    case "single":
      return `Finds times when the ${figures.join(", the ")} is unlike what it was before.`;
    case "multi":
      return `Finds times when the ${figures.join(", or the ")} is unlike what it was before${each}.`;
    case "population":
      return form.population === "" ? "" : `Finds values of ${form.population} whose ${figures.join(", or whose ")} is unlike that of the others${each}.`;
    case "categorization":
      return `${form.detector === "rare" ? "Finds kinds of messages that are rarely seen" : "Finds times when a kind of messages comes unlike as often as before"}${each}.`;
    case "rare":
      return form.field === "" ? "" : rareSentence(form, each);
    case "geo":
      return form.population === ""
        ? `Finds places in ${form.field || "a field"} that are far from the usual ones${each}.`
        : `Finds values of ${form.population} at places in ${form.field || "a field"} that are unusual for the others${each}.`;
    default:
      return "";
  }
}

function rareSentence(form: Form, each: string): string {
  if (form.population === "") {
    return `Finds values of ${form.field} that are rarely seen${each}.`;
  }
  return form.detector === "freq_rare"
    ? `Finds values of ${form.population} that often show values of ${form.field} which few others show${each}.`
    : `Finds values of ${form.population} that show values of ${form.field} which few others show${each}.`;
}
