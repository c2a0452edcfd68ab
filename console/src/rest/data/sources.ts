/** What can be looked at, and what the server behind this page is able to do with it. */

import { ServerError, type Ask } from "../server";

/** An index, an alias or a data stream. */
export interface Source {
  readonly name: string;
  readonly kind: "index" | "alias" | "data stream";
}

/** What not every server can do. */
export interface Abilities {
  readonly kql: boolean;
  readonly randomSampler: boolean;
}

/** All indices, aliases and data streams that are not hidden, by their names. */
export async function readSources(ask: Ask): Promise<Source[]> {
  return shapeSources(await ask("GET", "_resolve/index/*"));
}

/** Sources of the server's answer; what lies behind a data stream is not listed beside it. */
export function shapeSources(answer: any): Source[] {
  const named = (list: any[] | undefined, kind: Source["kind"]): Source[] =>
    (list ?? []).map((one) => ({ name: one.name as string, kind }));
  const open = (answer.indices ?? []).filter(
    (one: any) => one.data_stream === undefined && !(one.attributes ?? []).some((word: string) => word !== "open" && word !== "frozen"),
  );
  return [
    ...named(open, "index"),
    ...named(answer.aliases, "alias"),
    ...named(answer.data_streams, "data stream"),
  ]
    .filter(({ name }) => !name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the server can do; nothing beyond the oldest releases where it does not say which one it is. */
export async function readAbilities(ask: Ask): Promise<Abilities> {
  try {
    return shapeAbilities((await ask("GET", "")).version);
  } catch (error) {
    if (error instanceof ServerError) {
      return { kql: false, randomSampler: false };
    }
    throw error;
  }
}

/** What a release can do: random_sampler came with 8.2, the query kql with 8.17. */
export function shapeAbilities(version: any): Abilities {
  const [major = 0, minor = 0] = String(version?.number ?? "").split(".").map(Number);
  const ours = version?.build_type === "anomalyops";
  const always = version?.build_flavor === "serverless";
  const since = (m: number, n: number): boolean => always || major > m || (major === m && minor >= n);
  return { kql: ours || since(8, 17), randomSampler: !ours && since(8, 2) };
}
