// Prints the types of a JSON Schema that comes on standard input. The argument is the folder with node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { compile } = createRequire(join(process.argv[2], "package.json"))("json-schema-to-typescript");
const schema = JSON.parse(readFileSync(0, "utf8"));
const types = await compile(schema, schema.title, {
  additionalProperties: false, // a misspelt name is an error of the compiler; other fields in a document are not
  bannerComment: "// Made from docs/schema by `make docs`.",
  style: { printWidth: 120 },
});
process.stdout.write(types);
