// dynamodb-admin in a headless browser, in front of a running server: a person puts items into a table, looks at them,
// changes one, and takes all of it away. Run by scripts/clients/run.
// CLIENTS_NODE is the folder that has node_modules, CHROMIUM the browser. Where the server is and who asks, dynamodb-admin
// reads from the environment.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(path.join(process.env.CLIENTS_NODE, "here.js")));
const { chromium } = require("playwright-core");
const sdk = require("@aws-sdk/client-dynamodb");
const folder = path.join(process.env.CLIENTS_NODE, "node_modules", "dynamodb-admin");
const { version, bin } = require(path.join(folder, "package.json"));

// The program, on a free port, which it tells.
const program = spawn(process.execPath, [
    path.join(folder, bin["dynamodb-admin"]), "--host", "127.0.0.1", "--port", "0", "--skip-default-credentials",
    "--dynamo-endpoint", process.env.AWS_ENDPOINT_URL_DYNAMODB,
], { stdio: ["ignore", "pipe", "inherit"] });
const site = await new Promise((found, lost) => {
    let said = "";
    program.stdout.on("data", (bytes) => {
        said += bytes;
        const url = /listening on (http:\S+)/.exec(said);
        if (url) found(url[1]);
    });
    program.on("exit", (code) => lost(new Error(`dynamodb-admin ended with ${code}: ${said}`)));
});

const table = "admin-people";
const faults = [];
let checks = 0;
let browser;
async function check(what, run) {
    await run();
    checks += 1;
    assert.deepEqual(faults, [], what);
}

try {
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM, headless: true, chromiumSandbox: false,
        args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    console.log(`dynamodb-admin ${version}, Chromium ${browser.version()}`);
    const page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("response", async (response) => {
        if (response.status() < 400 || response.url().endsWith("/favicon.ico")) return;
        faults.push(`${response.status()} ${response.url()}: ${await response.text().catch(String)}`);
    });
    page.on("dialog", (dialog) => dialog.accept());
    const url = (rest = "") => `${site}/tables/${table}${rest}`;

    await check("a table is asked for, in a form that sends numbers as texts, which AWS refuses too", async () => {
        await page.goto(`${site}/create-table`);
        await page.fill("#TableName", table);
        await page.fill("#HashAttributeName", "family");
        await page.selectOption("select[name=HashAttributeType]", "S");
        await page.click("#new-index");
        for (const [name, value] of [["IndexName", "by-town"], ["HashAttributeName", "town"]]) {
            await page.fill(`[name="secondary-index-1-${name}"]`, value);
        }
        await page.selectOption("[name=secondary-index-1-HashAttributeType]", "S");
        const answer = page.waitForResponse((response) => response.request().method() === "POST");
        await page.click("form [type=submit]");
        assert.match(await (await answer).text(), /STRING_VALUE cannot be converted to Long/);
        faults.length = 0;
    });

    await check("a table with both kinds of index is listed", async () => {
        const keys = (...names) => names.map((AttributeName, at) => ({ AttributeName, KeyType: ["HASH", "RANGE"][at] }));
        const Projection = { ProjectionType: "ALL" };
        await new sdk.DynamoDBClient().send(new sdk.CreateTableCommand({
            TableName: table, BillingMode: "PAY_PER_REQUEST", KeySchema: keys("family", "number"),
            AttributeDefinitions: [["family", "S"], ["number", "N"], ["town", "S"], ["age", "N"]]
                .map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
            GlobalSecondaryIndexes: [{ IndexName: "by-global", KeySchema: keys("town", "age"), Projection }],
            LocalSecondaryIndexes: [{ IndexName: "by-local", KeySchema: keys("family", "age"), Projection }],
        }));
        await page.goto(site);
        await page.waitForSelector(`li[data-table-name="${table}"]`);
    });

    await check("items are put, as JSON", async () => {
        for (let tries = 0; tries < 100; tries += 1) {
            const answer = await page.request.get(url("/meta"));
            if ((await answer.text()).includes("ACTIVE")) break;
            await page.waitForTimeout(50);
        }
        for (let number = 0; number < 30; number += 1) {
            const item = {
                family: number < 28 ? "Smith" : "Jones", number, age: 20 + number, town: number % 2 ? "Odd" : "Even",
                lives: { in: ["a", { house: true }], since: null }, name: `\u00fc ${number}`,
            };
            if (number > 0) {
                // The first through its editor, the others as the page itself sends them.
                const sent = await page.request.put(url("/add-item"), { data: item });
                assert.equal(sent.status(), 200, await sent.text());
                continue;
            }
            await page.goto(url("/add-item"));
            await page.evaluate((text) => globalThis.ace.edit("documentTextarea").setValue(text), JSON.stringify(item));
            await page.click("#saveButton");
            await page.waitForURL(/\/items\/|\/tables\/[^/]+$/);
        }
    });

    await check("items are shown by pages", async () => {
        await page.goto(url());
        await page.waitForFunction(() => document.querySelectorAll("#items-container tr").length === 25);
        await page.click(".page-link-next");
        await page.waitForFunction(() => document.querySelectorAll("#items-container tr").length === 5);
    });

    await check("a query of the table, and of the index", async () => {
        const search = (selection, filters) => {
            const query = { operationType: "query", queryableSelection: selection, filters: JSON.stringify(filters), pageSize: "100" };
            return page.goto(`${url()}?${new URLSearchParams(query)}`);
        };
        const shows = (rows) => page.waitForFunction((count) => document.querySelectorAll("#items-container tr").length === count, rows);
        await search("table", { family: { type: "S", operator: "=", value: "Jones" } });
        await shows(2);
        await search("by-global", { town: { type: "S", operator: "=", value: "Odd" }, age: { type: "N", operator: ">", value: "40" } });
        await shows(5);
        await page.goto(`${url()}?${new URLSearchParams({ operationType: "scan", filters: JSON.stringify({ age: { type: "N", operator: "<", value: "25" } }) })}`);
        await shows(5);
    });

    await check("an item is changed and deleted", async () => {
        await page.goto(url());
        await page.waitForSelector("#items-container a");
        await page.click("#items-container a >> nth=0");
        await page.waitForSelector("#documentTextarea");
        const shown = JSON.parse(await page.evaluate(() => globalThis.ace.edit("documentTextarea").getValue()));
        assert.deepEqual(shown.lives, { in: ["a", { house: true }], since: null });
        await page.evaluate((text) => globalThis.ace.edit("documentTextarea").setValue(text), JSON.stringify({ ...shown, name: "changed" }));
        const saved = page.waitForResponse((response) => response.request().method() === "PUT");
        await page.click("#saveButton");
        assert.ok((await saved).ok());
        await page.reload();
        const again = JSON.parse(await page.evaluate(() => globalThis.ace.edit("documentTextarea").getValue()));
        assert.equal(again.name, "changed");
        const deleted = page.waitForResponse((response) => response.request().method() === "DELETE");
        const item = page.url();
        await page.click("button.btn-danger");
        assert.ok((await deleted).ok());
        // The page goes to its table by itself then, which would abort where we go.
        await page.waitForURL((to) => String(to) !== item);
    });

    await check("what is known of the table", async () => {
        await page.goto(url("/meta"));
        const shown = await page.evaluate(() => globalThis.ace.edit("documentArea").getValue());
        assert.equal(JSON.parse(shown).GlobalSecondaryIndexes[0].IndexStatus, "ACTIVE");
        await page.goto(url("/ttl"));
        assert.match(await page.textContent("body"), /DISABLED/);
    });

    await check("the table is emptied and goes", async () => {
        // The page shows itself again after both, which would interrupt where we go.
        const press = async (button) => {
            await page.goto(site);
            const [answer] = await Promise.all([
                page.waitForResponse((response) => response.request().method() === "DELETE"),
                page.waitForEvent("load"),
                page.click(`li[data-table-name="${table}"] >> text=${button}`),
            ]);
            assert.ok(answer.ok());
        };
        await press("Purge");
        await page.goto(`${url("/items")}`);
        assert.equal(JSON.parse(await page.textContent("body")).Items.length, 0);
        await press("Delete");
        // A page lists the tables, then describes each: one that goes in between is answered with 500, by DynamoDB's own
        // tables too. The page shows itself again after a deletion, so that answer alone is no fault.
        for (let tries = 0; ; tries += 1) {
            const listed = await page.request.get(site);
            if (listed.ok() && !(await listed.text()).includes(table)) break;
            assert.ok(tries < 100, `the table is still listed: ${listed.status()}`);
            await page.waitForTimeout(100);
        }
        assert.ok((await page.goto(site)).ok());
        assert.equal(await page.locator(`li[data-table-name="${table}"]`).count(), 0);
        const raced = (fault) => fault.startsWith(`500 ${site}/: `) && fault.includes(`Table: ${table} not found`);
        faults.splice(0, faults.length, ...faults.filter((fault) => !raced(fault)));
    });
    console.log(`${checks} passed, 0 failed`);
} catch (error) {
    console.log(`FAILED after ${checks} checks: ${error.stack}\nfaults: ${JSON.stringify(faults)}`);
    process.exitCode = 1;
} finally {
    await browser?.close();
    program.removeAllListeners("exit");
    program.kill();
}
