// The official Node SDK against the local Tablestore that the environment names: every operation on rows.
// It prints what fails, then `N passed, M failed`, and exits with 1 if anything failed.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

// The SDK is installed outside of the repository, where NODE_SDK_FOLDER says.
const require = createRequire(`${process.env.NODE_SDK_FOLDER}/`);
const TableStore = require("tablestore");
const { Condition, CompositeCondition, Long, RowExistenceExpectation, SingleColumnCondition } = TableStore;

const environment = process.env;
const client = new TableStore.Client({
  accessKeyId: environment.ALIBABA_CLOUD_ACCESS_KEY_ID,
  secretAccessKey: environment.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  endpoint: environment.ICE_RESULT_OTS_ENDPOINT,
  instancename: "media-jobs",
  maxRetries: 0,
  httpOptions: { timeout: 5000 },
});
const tableName = "ice_items";
const anyway = new Condition(RowExistenceExpectation.IGNORE, null);
const whenNew = new Condition(RowExistenceExpectation.EXPECT_NOT_EXIST, null);
const key = (job, rank) => [{ job }, { rank: Long.fromNumber(rank) }];
const plain = (value) => (Buffer.isBuffer(value) || typeof value !== "object" ? value : value.toNumber());

async function get(job, rank, more = {}) {
  const { row } = await client.getRow({ tableName, primaryKey: key(job, rank), maxVersions: 1, ...more });
  return row.attributes && Object.fromEntries(row.attributes.map((c) => [c.columnName, plain(c.columnValue)]));
}

function put(job, rank, columns, condition = anyway, more = {}) {
  const attributeColumns = Object.entries(columns).map(([name, value]) => ({ [name]: value }));
  return client.putRow({ tableName, condition, primaryKey: key(job, rank), attributeColumns, ...more });
}

async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return `${error.code}`;
  }
  return "none";
}

async function ranks(direction, start, end, limit) {
  const found = [];
  let pages = 0;
  for (let next = start; next; pages += 1) {
    const page = await client.getRange({
      tableName,
      direction,
      maxVersions: 1,
      limit,
      inclusiveStartPrimaryKey: next,
      exclusiveEndPrimaryKey: end,
    });
    found.push(...page.rows.map((row) => row.primaryKey[1].value.toNumber()));
    next = page.nextStartPrimaryKey && page.nextStartPrimaryKey.map(({ name, value }) => ({ [name]: value }));
  }
  return { found, pages };
}

const checks = {
  async "a table is created, listed and described"() {
    const primaryKey = [
      { name: "job", type: "STRING" },
      { name: "rank", type: "INTEGER" },
    ];
    await client.createTable({
      tableMeta: { tableName, primaryKey },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions: { timeToLive: -1, maxVersions: 1 },
    });
    assert.deepEqual((await client.listTable({})).tableNames, [tableName]);
    const { tableMeta, tableOptions, tableStatus } = await client.describeTable({ tableName });
    assert.deepEqual(tableMeta.primaryKey.map(({ name }) => name), ["job", "rank"]);
    assert.deepEqual([tableOptions.maxVersions, tableStatus], [1, 1]);
  },
  async "a second table of the name is refused"() {
    const tableMeta = { tableName, primaryKey: [{ name: "job", type: "STRING" }] };
    const reservedThroughput = { capacityUnit: { read: 0, write: 0 } };
    const tableOptions = { timeToLive: -1, maxVersions: 1 };
    assert.equal(await refusal(client.createTable({ tableMeta, reservedThroughput, tableOptions })), "409");
  },
  async "every type comes back as it was put"() {
    const columns = { bin: Buffer.from([0, 255]), flag: true, text: "封面", x: 0.5 };
    await put("types", 1, { ...columns, n: Long.fromNumber(-7) });
    assert.deepEqual(await get("types", 1), { ...columns, n: -7 });
  },
  async "the key is returned on demand"() {
    const reply = await put("types", 1, { a: "b" }, anyway, { returnContent: { returnType: 1 } });
    assert.deepEqual(reply.row.primaryKey.map(({ value }) => plain(value)), ["types", 1]);
  },
  async "a row is put only if it is new"() {
    await put("new", 1, { a: "first" }, whenNew);
    assert.equal(await refusal(put("new", 1, { a: "second" }, whenNew)), "403");
    assert.deepEqual(await get("new", 1), { a: "first" });
  },
  async "a row is updated where a condition holds"() {
    await put("cond", 1, { a: "1", b: "2", c: "3" });
    const both = new CompositeCondition(TableStore.LogicalOperator.AND);
    both.addSubCondition(new SingleColumnCondition("a", "1", TableStore.ComparatorType.EQUAL));
    both.addSubCondition(new SingleColumnCondition("b", "1", TableStore.ComparatorType.GREATER_THAN));
    const condition = new Condition(RowExistenceExpectation.EXPECT_EXIST, both);
    const update = () =>
      client.updateRow({
        tableName,
        condition,
        primaryKey: key("cond", 1),
        updateOfAttributeColumns: [{ PUT: [{ a: "changed" }] }, { DELETE_ALL: ["c"] }],
      });
    await update();
    assert.equal(await refusal(update()), "403");
    assert.deepEqual(await get("cond", 1), { a: "changed", b: "2" });
  },
  async "a column is missing"() {
    const strict = new SingleColumnCondition("z", "1", TableStore.ComparatorType.EQUAL, false);
    const lenient = new SingleColumnCondition("z", "1", TableStore.ComparatorType.EQUAL, true);
    assert.equal(await get("cond", 1, { columnFilter: strict }), undefined);
    assert.deepEqual(await get("cond", 1, { columnFilter: lenient }), { a: "changed", b: "2" });
  },
  async "values of every type are compared"() {
    const { EQUAL, LESS_THAN } = TableStore.ComparatorType;
    const seen = (name, value, comparator) =>
      get("types", 2, { columnFilter: new SingleColumnCondition(name, value, comparator, false) });
    await put("types", 2, { bin: Buffer.from([1]), flag: true, n: Long.fromNumber(3), x: 0.5 });
    assert.ok(await seen("bin", Buffer.from([1]), EQUAL));
    assert.ok(await seen("flag", true, EQUAL));
    assert.ok(await seen("n", Long.fromNumber(4), LESS_THAN));
    assert.ok(await seen("x", 0.5, EQUAL));
    assert.ok(!(await seen("x", 0.5, LESS_THAN)));
  },
  async "columns are chosen"() {
    assert.deepEqual(await get("cond", 1, { columnsToGet: ["b"] }), { b: "2" });
  },
  async "a row is deleted"() {
    await client.deleteRow({ tableName, condition: anyway, primaryKey: key("cond", 1) });
    assert.equal(await get("cond", 1), undefined);
  },
  async "a batch writes every row by itself"() {
    const row = (type, rank, condition, attributeColumns) => ({
      type,
      condition,
      primaryKey: key("batch", rank),
      attributeColumns,
    });
    const rows = [
      ...Array.from({ length: 20 }, (_, rank) => row("PUT", rank, anyway, [{ a: "put" }])),
      row("UPDATE", 20, anyway, [{ PUT: [{ a: "updated" }] }]),
      row("DELETE", 21, anyway, []),
      row("PUT", 22, new Condition(RowExistenceExpectation.EXPECT_EXIST, null), [{ a: "put" }]),
    ];
    const { tables } = await client.batchWriteRow({ tables: [{ tableName, rows }] });
    assert.deepEqual(tables.map(({ isOk }) => isOk), [...Array(22).fill(true), false]);
    assert.equal(tables.at(-1).errorCode, "OTSConditionCheckFail");
  },
  async "a batch reads every row by itself"() {
    const primaryKey = [key("batch", 20), key("batch", 99)];
    const { tables } = await client.batchGetRow({ tables: [{ tableName, primaryKey, maxVersions: 1 }] });
    assert.deepEqual(tables[0].map(({ isOk }) => isOk), [true, true]);
    assert.equal(tables[0][0].attributes[0].columnValue, "updated");
  },
  async "a range is read page by page, in both directions"() {
    const start = [{ job: "batch" }, { rank: TableStore.INF_MIN }];
    const end = [{ job: "batch" }, { rank: TableStore.INF_MAX }];
    const all = Array.from({ length: 21 }, (_, rank) => rank);
    assert.deepEqual(await ranks(TableStore.Direction.FORWARD, start, end, 6), { found: all, pages: 4 });
    const backward = await ranks(TableStore.Direction.BACKWARD, end, start, 7);
    assert.deepEqual(backward, { found: all.reverse(), pages: 3 });
  },
  async "a wrong secret is refused"() {
    const wrong = new TableStore.Client({ ...client.config, secretAccessKey: "wrong" });
    assert.equal(await refusal(wrong.listTable({})), "403");
  },
  async "a table is dropped"() {
    await client.deleteTable({ tableName });
    assert.deepEqual((await client.listTable({})).tableNames, []);
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
  } catch (error) {
    failed += 1;
    console.error(`${name}: ${error.stack}`);
  }
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
