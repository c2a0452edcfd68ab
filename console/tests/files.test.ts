import assert from "node:assert/strict";
import { test } from "node:test";
import { documentOf, indexName, loadRows, namesIndex } from "../src/rest/files/loading";
import { arrayLines, delimitedRows, jsonRows, patternRows } from "../src/rest/files/rows";
import { readable, rowsOf, sampleOf, shapeStructure, type Structure } from "../src/rest/files/structure";
import { ServerError } from "../src/rest/server";
import { anyText, integer, seeded } from "./generated";

const structure = (types: Readonly<Record<string, string>>, more: object = {}): Structure =>
  shapeStructure({
    format: "delimited",
    delimiter: ",",
    has_header_row: true,
    column_names: Object.keys(types),
    mappings: { properties: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }])) },
    num_messages_analyzed: 1,
    ...more,
  });

const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

test("cells come back from delimited text, whatever stands in them", () => {
  for (const random of seeded(400)) {
    const width = integer(random, 1, 4);
    const cell = (): string => (random() < 0.2 ? `${anyText(random)}\n${anyText(random).replaceAll(",", "")}` : random() < 0.3 ? `a"${anyText(random)}` : anyText(random));
    const cells = Array.from({ length: integer(random, 1, 6) }, () => [`x${cell()}`, ...Array.from({ length: width - 1 }, cell)]);
    const names = cells[0]?.map((_, k) => `c${k}`) ?? [];
    const ending = random() < 0.5 ? "\n" : "\r\n";
    const text = [names, ...cells].map((row) => row.map(quoted).join(",")).join(ending);
    const found = delimitedRows(text, ",", names, true);
    assert.deepEqual(found.rejected, []);
    assert.deepEqual(found.rows.map((row) => ("cells" in row ? row.cells : [])), cells);
  }
});

test("a quote that is not closed costs its own line, and a row of another width too", () => {
  const found = delimitedRows('a,b\n1,2\n"open,3\n4,5\n6\n7,8,9\n"x",y\n', ",", ["a", "b"], true);
  assert.deepEqual(found.rejected.map((row) => row.line), [3, 5, 6]);
  assert.deepEqual(found.rows.map((row) => row.line), [2, 4, 7]);
});

test("each line of any text is a row, rejected, part of a row or empty", () => {
  for (const random of seeded(400)) {
    const text = Array.from({ length: integer(random, 1, 12) }, () => ['"', "a,b", "\n", ",", "", '"a', "x,y\n"][integer(random, 0, 6)]).join("");
    const { rows, rejected } = delimitedRows(text, ",", ["a", "b"], false);
    const told = [...rows, ...rejected].flatMap((row) => row.text.split("\n"));
    assert.equal(told.filter((line) => line.trim()).length, text.split("\n").filter((line) => line.trim()).length);
  }
});

test("an array is its objects as they are written, a line each", () => {
  const big = '{"n": 12345678901234567890.10, "t": "a]\\"},\\n{", "in": {"x": [1, {"y": 2}]}}';
  assert.equal(arrayLines(`[\n ${big},\n {"b":\n 2}]`), `${big}\n{"b":  2}`);
  assert.equal(arrayLines("[]"), "");
  assert.equal(arrayLines('{"a": 1}'), undefined);
  assert.equal(arrayLines("[1, 2"), undefined);
  for (const random of seeded(300)) {
    const rows = Array.from({ length: integer(random, 1, 5) }, () => ({ [anyText(random)]: [anyText(random), { a: random() }] }));
    const lines = readable(JSON.stringify(rows, undefined, integer(random, 0, 2))).split("\n");
    assert.deepEqual(lines.map((line) => JSON.parse(line)), rows);
  }
});

test("lines of JSON are rows where they are objects", () => {
  const found = jsonRows('{"a":1}\n\n[1]\n{"a":\n{"b":2}');
  assert.deepEqual(found.rows.map((row) => row.line), [1, 5]);
  assert.deepEqual(found.rejected.map((row) => [row.line, row.reason]), [[3, "no JSON object"], [4, "no JSON"]]);
});

test("log lines are taken apart by the server's pattern, and one that names others is not guessed", () => {
  const logs = structure({ host: "keyword", n: "long" }, { format: "semi_structured_text", grok_pattern: "(?<host>\\S+) (?<n>\\d+|-)", column_names: undefined });
  const found = rowsOf("a 1\nb -\nneither\n", logs);
  assert.deepEqual(found?.rows.map((row) => ("cells" in row ? row.cells : [])), [["a", "1"], ["b", ""]]);
  assert.equal(found?.rejected[0]?.line, 3);
  const theirs = structure({}, { format: "semi_structured_text", grok_pattern: "%{IP:ip} .*", column_names: undefined });
  assert.equal(rowsOf("1.2.3.4 x", theirs), undefined);
  assert.equal(patternRows("x", /^(?<a>.)$/, ["a"]).rows.length, 1);
});

test("the time field has its format in the mapping, and what only a pipeline fills is left out", () => {
  const answer = {
    format: "delimited",
    column_names: ["when"],
    timestamp_field: "when",
    java_timestamp_formats: ["UNIX_MS", "dd.MM.yyyy"],
    mappings: { properties: { "@timestamp": { type: "date" }, when: { type: "keyword" } } },
    field_stats: { when: { top_hits: [{ value: 7 }] } },
  };
  const found = shapeStructure(answer);
  assert.deepEqual(found.mappings, { properties: { when: { type: "date", format: "epoch_millis||dd.MM.yyyy" } } });
  assert.deepEqual(found.fields, [{ name: "when", type: "date", format: "epoch_millis||dd.MM.yyyy", example: "7" }]);
});

test("a sample has whole lines", () => {
  assert.equal(sampleOf("a\nb"), "a\nb\n");
  const long = Array.from({ length: 100_000 }, (_, k) => `${k},x`).join("\n");
  assert.ok(long.startsWith(sampleOf(long)));
  assert.ok(sampleOf(long).split("\n").length <= 5001);
});

test("no digit of a number is lost, and none is cut off", () => {
  const of = structure({ n: "long", x: "double", w: "keyword" });
  const made = (...cells: string[]): any => documentOf({ line: 1, cells, text: "" }, of);
  assert.equal(made("12", "0.5", "a").json, '{"n":12,"x":0.5,"w":"a"}');
  assert.equal(made("9007199254740993", "0.1234567890123456789", "").json, '{"n":"9007199254740993","x":"0.1234567890123456789"}');
  assert.equal(made("007", "1", "007").json, '{"n":"007","x":1,"w":"007"}');
  assert.match(made("1.5", "1", "").reason, /^n is long in the index: "1.5"$/);
  assert.match(made("1", "1,5", "").reason, /^x is double/);
  assert.match((documentOf({ line: 1, json: '{"n":[1,2.5]}', text: "" }, of) as any).reason, /^n is long/);
  const raw = '{"x":0.12345678901234567890}';
  assert.deepEqual(documentOf({ line: 1, json: raw, text: raw }, of), { json: raw });
});

test("every row is in the index or told, whatever the server refuses", async () => {
  for (const random of seeded(60)) {
    const cells = Array.from({ length: integer(random, 0, 30) }, () => (random() < 0.3 ? "x" : random() < 0.3 ? "1.5" : "5"));
    const of = structure({ n: random() < 0.5 ? "long" : "ip" });
    const text = ["n", ...cells].join("\n");
    const failing = random() < 0.3;
    const ask = async (_method: string, _path: string, body?: any): Promise<any> => {
      if (failing) {
        throw new ServerError(0, "no connection to the server");
      }
      const documents = (body as string).split("\n").filter((_, k) => k % 2 === 1);
      return { items: documents.map((one) => ({ create: one.includes("x") ? { error: { reason: "failed to parse", caused_by: { reason: "x" } } } : {} })) };
    };
    const loaded = await loadRows(ask, "i", of, rowsOf(text, of) as any, () => undefined);
    assert.equal(loaded.rows, cells.length);
    if (loaded.stopped === "") {
      assert.equal(loaded.indexed + loaded.rejected.length, cells.length);
      assert.deepEqual(loaded.rejected.map((row) => row.line), [...loaded.rejected.map((row) => row.line)].sort((a, b) => a - b));
    } else {
      assert.equal(loaded.indexed, 0);
    }
  }
});

test("an index is called as its file", () => {
  assert.equal(indexName("My Data (1).csv.gz"), "my-data-1");
  assert.equal(indexName(".hidden.json"), "hidden");
  assert.equal(indexName("日本"), "file");
  for (const random of seeded(300)) {
    assert.ok(namesIndex(indexName(anyText(random))));
  }
  assert.ok(!namesIndex(".x") && !namesIndex("a*") && !namesIndex("A") && !namesIndex(""));
});
