// Reads {tables, functions, queries} as JSON from stdin, each by its name, and prints what Kusto's own parser and
// semantic analysis have against the functions and queries. No output: nothing.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { readFileSync } = require("node:fs");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

const input = JSON.parse(readFileSync(0, "utf8"));
const tables = Object.entries(input.tables).map(
  ([name, columns]) => new Symbols.TableSymbol.$ctor7(name, columns, null),
);
const functions = Object.entries(input.functions).map(
  ([name, body]) => new Symbols.FunctionSymbol.$ctor16(name, "()", `{ ${body}\n}`, null),
);
const database = new Symbols.DatabaseSymbol.ctor("logs", [...tables, ...functions]);
const globals = GlobalState.Default.WithDatabase(database);

for (const [name, text] of Object.entries({ ...input.functions, ...input.queries })) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const found = code.GetDiagnostics();
  for (let i = 0; i < found.Count; i += 1) {
    const diagnostic = found.getItem(i);
    const line = text.slice(0, diagnostic.Start).split("\n").length;
    process.stdout.write(`${name}:${line}: ${diagnostic.Severity} ${diagnostic.Code}: ${diagnostic.Message}\n`);
  }
}
