// @aws-sdk/client-dynamodb and @aws-sdk/lib-dynamodb against a running server. Run by scripts/clients/run.
// Where they connect to and as whom, they read from the environment. FLYWHEEL_TRANSACTIONS=1 adds transactions.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

// The packages are not beside this file: CLIENTS_NODE is the folder that has node_modules.
const require = createRequire(pathToFileURL(path.join(process.env.CLIENTS_NODE, "here.js")));
const sdk = require("@aws-sdk/client-dynamodb");
const lib = require("@aws-sdk/lib-dynamodb");

const client = new sdk.DynamoDBClient({ maxAttempts: 1 });
const documents = lib.DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
const TableName = "javascript-games";
const checks = [];
const check = (name, run) => checks.push({ name, run });

async function refused(name, call, status = 400) {
    const error = await call.then(() => undefined, (reason) => reason);
    assert.ok(error, `accepted, where ${name} is due`);
    assert.equal(error.name, name, String(error));
    assert.equal(error.$metadata.httpStatusCode, status);
    if (sdk[name]) assert.ok(error instanceof sdk[name], `no ${name} by its class`);
    return error;
}

async function eventually(look, what) {
    for (let tries = 0; tries < 400; tries += 1) {
        const found = await look();
        if (found) return found;
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`never: ${what}`);
}

async function all(pages) {
    const items = [];
    let count = 0;
    for await (const page of pages) {
        count += 1;
        items.push(...(page.Items ?? []));
    }
    return { items, count };
}

check("tables", async () => {
    const made = await client.send(new sdk.CreateTableCommand({
        TableName,
        AttributeDefinitions: [["user", "S"], ["game", "S"], ["score", "N"], ["level", "B"]]
            .map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
        KeySchema: [{ AttributeName: "user", KeyType: "HASH" }, { AttributeName: "game", KeyType: "RANGE" }],
        LocalSecondaryIndexes: [{
            IndexName: "by-score",
            KeySchema: [{ AttributeName: "user", KeyType: "HASH" }, { AttributeName: "score", KeyType: "RANGE" }],
            Projection: { ProjectionType: "ALL" },
        }],
        GlobalSecondaryIndexes: [{
            IndexName: "by-level",
            KeySchema: [{ AttributeName: "level", KeyType: "HASH" }, { AttributeName: "score", KeyType: "RANGE" }],
            Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["note"] },
        }],
        BillingMode: "PAY_PER_REQUEST",
        Tags: [{ Key: "owner", Value: "clients" }],
    }));
    assert.equal(made.TableDescription.TableStatus, "CREATING");
    const seen = await sdk.waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });
    assert.equal(seen.state, "SUCCESS");
    const { Table } = await client.send(new sdk.DescribeTableCommand({ TableName }));
    assert.equal(Table.TableStatus, "ACTIVE");
    assert.ok(Table.CreationDateTime instanceof Date && Math.abs(Date.now() - Table.CreationDateTime) < 60_000);
    assert.equal(Table.BillingModeSummary.BillingMode, "PAY_PER_REQUEST");
    assert.equal(Table.DeletionProtectionEnabled, false);
    assert.deepEqual(Table.GlobalSecondaryIndexes[0].Projection, { ProjectionType: "INCLUDE", NonKeyAttributes: ["note"] });
    const names = [];
    for await (const page of sdk.paginateListTables({ client, pageSize: 1 }, {})) names.push(...page.TableNames);
    assert.ok(names.includes(TableName));
    const tags = await client.send(new sdk.ListTagsOfResourceCommand({ ResourceArn: Table.TableArn }));
    assert.deepEqual(tags.Tags, [{ Key: "owner", Value: "clients" }]);
    await client.send(new sdk.TagResourceCommand({ ResourceArn: Table.TableArn, Tags: [{ Key: "a", Value: "b" }] }));
    await client.send(new sdk.UntagResourceCommand({ ResourceArn: Table.TableArn, TagKeys: ["a"] }));
    await client.send(new sdk.UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled: true, AttributeName: "ends" } }));
    const expiry = await client.send(new sdk.DescribeTimeToLiveCommand({ TableName }));
    assert.equal(expiry.TimeToLiveDescription.AttributeName, "ends");
    await refused("ResourceInUseException", client.send(new sdk.CreateTableCommand({
        TableName, BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "a", AttributeType: "S" }], KeySchema: [{ AttributeName: "a", KeyType: "HASH" }],
    })));
    const limits = await client.send(new sdk.DescribeLimitsCommand({}));
    assert.ok(limits.AccountMaxReadCapacityUnits > 0);
});

check("attribute values as they are on the wire", async () => {
    const Item = {
        user: { S: "raw" }, game: { S: "1" },
        n: { N: "123456789012345678901234567890.12345678" }, b: { B: new Uint8Array([0, 1, 254, 255]) },
        ss: { SS: ["\u00e4", "\u{1f600}"] }, ns: { NS: ["-1.5", "0"] }, bs: { BS: [new Uint8Array([0]), new Uint8Array([1, 2])] },
        t: { BOOL: true }, z: { NULL: true }, l: { L: [{ S: "" }, { L: [] }, { M: {} }] }, m: { M: { "a.b": { M: { c: { N: "1" } } } } },
    };
    await client.send(new sdk.PutItemCommand({ TableName, Item }));
    const got = await client.send(new sdk.GetItemCommand({ TableName, Key: { user: { S: "raw" }, game: { S: "1" } }, ConsistentRead: true }));
    for (const name of ["ss", "ns", "bs"]) {
        const [kind] = Object.keys(Item[name]);
        const sorted = (values) => [...values].map(String).sort();
        assert.deepEqual(sorted(got.Item[name][kind]), sorted(Item[name][kind]));
        got.Item[name] = Item[name];
    }
    assert.deepEqual(got.Item, Item);
});

check("documents", async () => {
    const Key = { user: "documents", game: "1" };
    const Item = {
        ...Key, score: 1.5, big: 9007199254740993n, bytes: new Uint8Array([1, 2, 3]), nothing: null, yes: true,
        list: [1, "two", [3], { four: 4 }], map: { deep: { er: [] } }, words: new Set(["a", "b"]), absent: undefined,
    };
    await documents.send(new lib.PutCommand({ TableName, Item }));
    const got = await documents.send(new lib.GetCommand({ TableName, Key }));
    const { absent, ...rest } = Item;
    assert.deepEqual({ ...got.Item, big: BigInt(got.Item.big) }, { ...rest, big: 9007199254740993n });
    // A client of its own: what one is wrapped in changes it.
    const exact = lib.DynamoDBDocumentClient.from(new sdk.DynamoDBClient({ maxAttempts: 1 }), { unmarshallOptions: { wrapNumbers: true } });
    const wrapped = await exact.send(new lib.GetCommand({ TableName, Key, ProjectionExpression: "big" }));
    assert.equal(wrapped.Item.big.value, "9007199254740993");
    const updated = await documents.send(new lib.UpdateCommand({
        TableName, Key, UpdateExpression: "SET #l[0] = :x, #m.deep.er = list_append(#m.deep.er, :y) REMOVE yes ADD score :one DELETE words :gone",
        ExpressionAttributeNames: { "#l": "list", "#m": "map" }, ConditionExpression: "size(words) = :two AND attribute_type(bytes, :b)",
        ExpressionAttributeValues: { ":x": "one", ":y": ["z"], ":one": 1, ":gone": new Set(["a"]), ":two": 2, ":b": "B" },
        ReturnValues: "ALL_NEW",
    }));
    assert.deepEqual(updated.Attributes.list, ["one", "two", [3], { four: 4 }]);
    assert.deepEqual(updated.Attributes.map, { deep: { er: ["z"] } });
    assert.deepEqual([updated.Attributes.score, updated.Attributes.yes, [...updated.Attributes.words]], [2.5, undefined, ["b"]]);
    const failed = await refused("ConditionalCheckFailedException", documents.send(new lib.PutCommand({
        TableName, Item: Key, ConditionExpression: "attribute_not_exists(#u)", ExpressionAttributeNames: { "#u": "user" },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    })));
    assert.equal(failed.Item.score.N, "2.5");
    const gone = await documents.send(new lib.DeleteCommand({ TableName, Key, ReturnValues: "ALL_OLD", ReturnConsumedCapacity: "TOTAL" }));
    assert.equal(gone.Attributes.score, 2.5);
    assert.equal(gone.ConsumedCapacity.TableName, TableName);
    assert.equal((await documents.send(new lib.GetCommand({ TableName, Key }))).Item, undefined);
});

check("batches, queries and scans", async () => {
    const level = (n) => new Uint8Array([n % 3]);
    const items = Array.from({ length: 75 }, (_, n) => ({
        user: `u${n % 3}`, game: `g${String(n).padStart(3, "0")}`, score: n, level: level(n), note: `note ${n}`, other: "x",
    }));
    for (let at = 0; at < items.length; at += 25) {
        const puts = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
        const left = await documents.send(new lib.BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
        assert.deepEqual(left.UnprocessedItems, {});
    }
    const got = await documents.send(new lib.BatchGetCommand({
        RequestItems: { [TableName]: { Keys: items.slice(0, 60).map(({ user, game }) => ({ user, game })), ProjectionExpression: "score" } },
    }));
    assert.equal(got.Responses[TableName].length, 60);
    assert.deepEqual(got.UnprocessedKeys, {});
    // The paginators write where they are into what they are given, so each has its own.
    const mine = { TableName, KeyConditionExpression: "#u = :u", ExpressionAttributeNames: { "#u": "user" }, ExpressionAttributeValues: { ":u": "u1" } };
    const asked = await all(lib.paginateQuery({ client: documents, pageSize: 6 }, { ...mine }));
    assert.deepEqual(asked.items.map((item) => item.score), Array.from({ length: 25 }, (_, n) => 3 * n + 1));
    assert.equal(asked.count, 5);
    const high = await documents.send(new lib.QueryCommand({
        ...mine, IndexName: "by-score", KeyConditionExpression: "#u = :u AND score > :s", ScanIndexForward: false, Limit: 2,
        ExpressionAttributeValues: { ":u": "u1", ":s": 10 },
    }));
    assert.deepEqual(high.Items.map((item) => item.score), [73, 70]);
    assert.deepEqual(high.LastEvaluatedKey, { user: "u1", game: "g070", score: 70 });
    const byLevel = { TableName, IndexName: "by-level", KeyConditionExpression: "#l = :l", ExpressionAttributeNames: { "#l": "level" }, ExpressionAttributeValues: { ":l": level(2) } };
    const found = await eventually(async () => {
        const { items: there } = await all(lib.paginateQuery({ client: documents, pageSize: 10 }, { ...byLevel }));
        return there.length === 25 && there;
    }, "25 items in the index");
    assert.deepEqual(Object.keys(found[0]).sort(), ["game", "level", "note", "score", "user"]);
    const segments = await Promise.all([0, 1, 2, 3].map((Segment) =>
        all(lib.paginateScan({ client: documents, pageSize: 9 }, { TableName, Segment, TotalSegments: 4, FilterExpression: "attribute_exists(score)" }))));
    assert.equal(new Set(segments.flatMap(({ items: part }) => part.map(({ game }) => game))).size, 75);
    const count = await documents.send(new lib.ScanCommand({ TableName, Select: "COUNT", FilterExpression: "score BETWEEN :a AND :b", ExpressionAttributeValues: { ":a": 1, ":b": 5 } }));
    assert.equal(count.Count, 5);
});

check("errors by their classes", async () => {
    const key = { user: { S: "a" }, game: { S: "b" } };
    await refused("ResourceNotFoundException", client.send(new sdk.GetItemCommand({ TableName: "javascript-nothing", Key: key })));
    await refused("ValidationException", client.send(new sdk.GetItemCommand({ TableName, Key: { user: { S: "a" } } })));
    await refused("ValidationException", client.send(new sdk.PutItemCommand({ TableName, Item: { ...key, s: { SS: [] } } })));
    await refused("ValidationException", client.send(new sdk.QueryCommand({ TableName, KeyConditionExpression: "game = :g", ExpressionAttributeValues: { ":g": { S: "" } } })));
    await refused("ValidationException", client.send(new sdk.PutItemCommand({ TableName, Item: { ...key, level: { S: "not bytes" } } })));
    const known = await client.config.credentials();
    const stranger = new sdk.DynamoDBClient({ maxAttempts: 1, credentials: { accessKeyId: "NOBODYNOBODYNOBODY00", secretAccessKey: "x" } });
    await refused("UnrecognizedClientException", stranger.send(new sdk.ListTablesCommand({})));
    const wrong = new sdk.DynamoDBClient({ maxAttempts: 1, credentials: { accessKeyId: known.accessKeyId, secretAccessKey: "wrong" } });
    await refused("InvalidSignatureException", wrong.send(new sdk.ListTablesCommand({})));
});

check("many at once", async () => {
    const Key = { user: "counter", game: "" + 1 };
    await Promise.all(Array.from({ length: 300 }, () => documents.send(new lib.UpdateCommand({
        TableName, Key, UpdateExpression: "ADD hits :one", ExpressionAttributeValues: { ":one": 1 },
    }))));
    assert.equal((await documents.send(new lib.GetCommand({ TableName, Key, ConsistentRead: true }))).Item.hits, 300);
});

// Transactions, when the server has them.
if (process.env.FLYWHEEL_TRANSACTIONS === "1") {
    check("transactions", async () => {
        const keys = ["1", "2"].map((game) => ({ user: "tx", game }));
        await documents.send(new lib.TransactWriteCommand({ TransactItems: keys.map((Item) => ({ Put: { TableName, Item: { ...Item, score: 1 } } })) }));
        const got = await documents.send(new lib.TransactGetCommand({ TransactItems: keys.map((Key) => ({ Get: { TableName, Key } })) }));
        assert.deepEqual(got.Responses.map(({ Item }) => Item.score), [1, 1]);
        const error = await refused("TransactionCanceledException", documents.send(new lib.TransactWriteCommand({ TransactItems: [
            { Delete: { TableName, Key: keys[0] } },
            { ConditionCheck: { TableName, Key: keys[1], ConditionExpression: "score = :s", ExpressionAttributeValues: { ":s": 2 } } },
        ] })));
        assert.deepEqual(error.CancellationReasons.map(({ Code }) => Code), ["None", "ConditionalCheckFailed"]);
    });
}

check("the table goes", async () => {
    const gone = await client.send(new sdk.DeleteTableCommand({ TableName }));
    assert.equal(gone.TableDescription.TableStatus, "DELETING");
    await sdk.waitUntilTableNotExists({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });
    await refused("ResourceNotFoundException", client.send(new sdk.DescribeTableCommand({ TableName })));
});

const version = (name) => require(`${name}/package.json`).version;
console.log(`@aws-sdk/client-dynamodb ${version("@aws-sdk/client-dynamodb")}, lib-dynamodb ${version("@aws-sdk/lib-dynamodb")}, node ${process.version}`);
let failed = 0;
for (const { name, run } of checks) {
    try {
        await run();
    } catch (error) {
        failed += 1;
        console.log(`FAILED ${name}\n${error.stack}`);
    }
}
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
