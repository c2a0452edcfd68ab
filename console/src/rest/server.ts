/** Calls to the server behind this page: the Elasticsearch REST API, with its errors as sentences. */

/** What a server answered that was no success, or that it did not answer. */
export class ServerError extends Error {
  /** @param status Of the answer; 0 where there was none. */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** What a reader can do about it. */
  get advice(): string {
    if (this.status === 0) {
      return "The server does not answer. It is asked again when you reload.";
    }
    if (this.status === 401 || this.status === 403) {
      return "The credentials of this console do not allow it.";
    }
    return "";
  }
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Asks the server; the path is relative to where the console is served. A text is sent as it is: lines of JSON, or of anything. */
export type Ask = (method: string, path: string, body?: Json, signal?: AbortSignal) => Promise<any>;

/** The reasons of an error, from the outermost to the innermost cause. */
function reasonsOf(error: unknown): string[] {
  const { reason, caused_by: cause } = (error ?? {}) as { reason?: unknown; caused_by?: unknown };
  return [...(typeof reason === "string" ? [reason] : []), ...(typeof cause === "object" && cause !== null ? reasonsOf(cause) : [])];
}

/** The reason inside of an error of Elasticsearch's. */
export function reasonOf(status: number, body: unknown): string {
  const error = (body as { error?: unknown } | null)?.error;
  if (typeof error === "string") {
    return error;
  }
  const reasons = reasonsOf(error);
  // What failed stands first, and why it did last.
  const [first, last] = [reasons[0], reasons.at(-1)];
  return first === undefined ? `the server answered ${status}` : first === last ? first : `${first}: ${last}`;
}

/** A way to ask the server that serves this page, or passes its calls on. */
export function server(base: string, request: typeof fetch = fetch): Ask {
  return async (method, path, body, signal) => {
    let answer: Response;
    try {
      answer = await request(base + path, {
        method,
        // What is taken away is taken away, whether or not the page is closed meanwhile.
        ...(method === "DELETE" ? { keepalive: true } : {}),
        headers: body === undefined ? {} : { "content-type": typeof body === "string" ? "application/x-ndjson" : "application/json" },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if ((error as Error).name === "AbortError") {
        throw error;
      }
      throw new ServerError(0, "no connection to the server");
    }
    const text = await answer.text();
    const parsed = parse(text);
    if (!answer.ok) {
      throw new ServerError(answer.status, reasonOf(answer.status, parsed));
    }
    if (parsed === undefined) {
      throw new ServerError(answer.status, "the server's answer is no JSON");
    }
    return parsed;
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
