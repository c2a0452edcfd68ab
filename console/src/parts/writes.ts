/** Whether calls that change something get anywhere from here: whoever serves the page says so in it. */

/** What is said where they do not. */
export const READS_ONLY = "This console only reads; start it with --allow-writes to change something.";

/** Whether the page may offer what changes something; what the credentials may is the server's to say. */
export function writesAllowed(): boolean {
  return document.querySelector('meta[name="anomalyops-writes"]')?.getAttribute("content") === "yes";
}
