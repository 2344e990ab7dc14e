#!/usr/bin/env python3
"""boto3 against a running server: tables, items, queries, scans, batches, tags, expiry, errors. Run by scripts/clients/run.

Where it connects to and as whom, boto3 reads from the environment (AWS_ENDPOINT_URL_DYNAMODB and the usual others): this
program says nothing about its server. FLYWHEEL_TRANSACTIONS=1 adds transactions.
"""

import os
import socket
import sys
import threading
import time
import traceback
from decimal import Decimal

import boto3
import botocore
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

TABLE = "boto3-orders"
# Not more attempts than one: a retry would hide what failed.
ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})
client = boto3.client("dynamodb", config=ONCE)
resource = boto3.resource("dynamodb", config=ONCE)
checks = []


def check(function):
    """Puts a function into the list of what runs, in the order of the file."""
    checks.append(function)
    return function


def same(found, expected, what=""):
    assert found == expected, f"{what}: found {found!r}, expected {expected!r}"


def refused(code, call, *args, says=None, status=400, **kwargs):
    """The error of a call that must be refused with this code."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        same(error.response["Error"]["Code"], code, f"code of {error}")
        same(error.response["ResponseMetadata"]["HTTPStatusCode"], status, f"status of {error}")
        modelled = getattr(client.exceptions, code, None)
        assert modelled is None or isinstance(error, modelled), f"{type(error)} is no {code}"
        if says:
            assert says in str(error), f"{error} does not say {says!r}"
        return error
    raise AssertionError(f"accepted, where {code} is due: {args} {kwargs}")


def eventually(look, what, seconds=20):
    """Global indexes follow in their own time."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def wait(waiter, table):
    client.get_waiter(waiter).wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


# ---- tables


@check
def create_describe_and_list():
    made = client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in [("customer", "S"), ("order", "N"), ("placed", "S"), ("state", "S"), ("total", "N")]
        ],
        KeySchema=[
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "order", "KeyType": "RANGE"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-date",
                "KeySchema": [
                    {"AttributeName": "customer", "KeyType": "HASH"},
                    {"AttributeName": "placed", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-state",
                "KeySchema": [
                    {"AttributeName": "state", "KeyType": "HASH"},
                    {"AttributeName": "total", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
            }
        ],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        Tags=[{"Key": "owner", "Value": "clients"}],
    )["TableDescription"]
    same(made["TableStatus"], "CREATING")
    wait("table_exists", TABLE)
    table = client.describe_table(TableName=TABLE)["Table"]
    same(table["TableName"], TABLE)
    same(table["TableStatus"], "ACTIVE")
    same(table["KeySchema"][1], {"AttributeName": "order", "KeyType": "RANGE"})
    same(len(table["AttributeDefinitions"]), 5)
    same(table["ProvisionedThroughput"]["ReadCapacityUnits"], 5)
    same(table["ProvisionedThroughput"]["NumberOfDecreasesToday"], 0)
    same(table["ItemCount"], 0)
    same(table["TableArn"], f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}")
    same(len(table["TableId"]), 36)
    same(table["DeletionProtectionEnabled"], False)
    assert abs(time.time() - table["CreationDateTime"].timestamp()) < 60, table["CreationDateTime"]
    local, = table["LocalSecondaryIndexes"]
    same(local["Projection"], {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]})
    same(local["IndexArn"], table["TableArn"] + "/index/by-date")
    everywhere, = table["GlobalSecondaryIndexes"]
    same(everywhere["IndexStatus"], "ACTIVE")
    same(everywhere["ProvisionedThroughput"]["WriteCapacityUnits"], 4)
    assert TABLE in client.list_tables()["TableNames"]


@check
def list_tables_by_pages():
    names = [f"boto3-page-{n}" for n in range(5)]
    for name in names:
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "B"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    for name in names:
        wait("table_exists", name)
    described = client.describe_table(TableName=names[0])["Table"]
    same(described["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
    same(described["ProvisionedThroughput"]["WriteCapacityUnits"], 0)
    pages = list(client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) >= 3, pages
    listed = [name for page in pages for name in page["TableNames"]]
    same(listed, sorted(listed), "order of the names")
    assert set(names) <= set(listed)
    assert [table.name for table in resource.tables.all()] == listed
    for name in names:
        gone = client.delete_table(TableName=name)["TableDescription"]
        same(gone["TableStatus"], "DELETING")
    for name in names:
        wait("table_not_exists", name)
        refused("ResourceNotFoundException", client.describe_table, TableName=name)


@check
def update_a_table():
    name = "boto3-changing"
    table = resource.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    wait("table_exists", name)
    for n in range(30):
        table.put_item(Item={"id": f"item {n}", "colour": ["red", "green", "blue"][n % 3], "n": n})
    updated = client.update_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "colour", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by-colour",
                    "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )["TableDescription"]
    same(updated["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING")

    def index():
        return client.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", [{}])[0]

    eventually(lambda: index().get("IndexStatus") == "ACTIVE", "the index is active")
    red = table.query(IndexName="by-colour", KeyConditionExpression=Key("colour").eq("red"))
    same(red["Count"], 10)
    same(set(red["Items"][0]), {"id", "colour"}, "what KEYS_ONLY projects")
    refused(
        "ResourceInUseException",
        client.create_table,
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-colour"}}])
    eventually(lambda: index() == {}, "the index is gone")
    refused("ValidationException", table.query, IndexName="by-colour", KeyConditionExpression=Key("colour").eq("red"))
    client.update_table(
        TableName=name,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 8},
    )
    eventually(lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", "active again")
    table.reload()
    same(table.provisioned_throughput["WriteCapacityUnits"], 8)

    def protect(is_protected):
        client.update_table(TableName=name, DeletionProtectionEnabled=is_protected)
        eventually(lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", "active again")

    protect(True)
    refused("ValidationException", table.delete, says="deletion protection")
    protect(False)
    table.delete()
    wait("table_not_exists", name)


@check
def errors_of_tables():
    refused("ResourceNotFoundException", client.describe_table, TableName="boto3-nothing", says="boto3-nothing")
    refused("ResourceNotFoundException", client.delete_table, TableName="boto3-nothing")
    refused("ResourceNotFoundException", client.get_item, TableName="boto3-nothing", Key={"id": {"S": "1"}})
    refused("ValidationException", client.describe_table, TableName="no/slash")
    schema = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    kinds = [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "unused", "AttributeType": "S"}]
    refused("ValidationException", client.create_table, TableName="boto3-bad", AttributeDefinitions=kinds, **schema)
    refused(
        "ValidationException",
        client.create_table,
        TableName="boto3-bad",
        AttributeDefinitions=kinds[:1],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        **schema,
    )


@check
def what_the_service_says_of_itself():
    limits = client.describe_limits()
    assert limits["AccountMaxReadCapacityUnits"] >= limits["TableMaxReadCapacityUnits"] > 0
    endpoint, = client.describe_endpoints()["Endpoints"]
    here = os.environ["AWS_ENDPOINT_URL_DYNAMODB"].split("//")[1]
    same(endpoint["Address"], here)
    assert endpoint["CachePeriodInMinutes"] > 0
    backups = client.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    same(backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "DISABLED")


# ---- items


EVERY_TYPE = {
    "s": "text with ümläuts, \u65e5\u672c\u8a9e, \U0001f600 and \"quotes\"\n\t\\",
    "empty": "",
    "n": Decimal("-12345678901234567890.123456789012345678"),
    "tiny": Decimal("1E-130"),
    "zero": Decimal("0"),
    "b": Binary(bytes(range(256))),
    "no bytes": Binary(b""),
    "true": True,
    "false": False,
    "null": None,
    "list": [1, "two", Decimal("3.5"), [], [[["deep"]]], {"in": [None, False]}],
    "map": {"a": {"b": {"c": {"d": Decimal("4")}}}, "with.dot": 1, "empty": {}},
    "strings": {"a", "b", ""},
    "numbers": {Decimal("1"), Decimal("2.5"), Decimal("-3")},
    "binaries": {Binary(b"\x00"), Binary(b"\xff\xfe"), Binary(b"")},
}


@check
def every_type_round_trips():
    table = resource.Table(TABLE)
    item = {"customer": "types", "order": 1, **EVERY_TYPE}
    table.put_item(Item=item)
    same(table.get_item(Key={"customer": "types", "order": 1}, ConsistentRead=True)["Item"], item)
    raw = client.get_item(TableName=TABLE, Key={"customer": {"S": "types"}, "order": {"N": "1.0"}})["Item"]
    same(raw["null"], {"NULL": True})
    same(raw["b"], {"B": bytes(range(256))})
    same(raw["order"], {"N": "1"})
    # Of more than 38 digits with their zeros: the resource of boto3 does not read these.
    huge = {"customer": {"S": "types"}, "order": {"N": "3"}, "huge": {"N": "9.9999999999999999999999999999999999999E+125"}}
    client.put_item(TableName=TABLE, Item=huge)
    got = client.get_item(TableName=TABLE, Key={"customer": {"S": "types"}, "order": {"N": "3"}})["Item"]["huge"]
    same(got, {"N": "9" * 38 + "0" * 88})
    same(raw["n"], {"N": "-12345678901234567890.123456789012345678"})
    same(sorted(raw["numbers"]["NS"]), ["-3", "1", "2.5"])
    # Larger than what is compressed, and than one read of a socket.
    large = {"customer": "types", "order": 2, "text": "wide é " * 40_000}
    table.put_item(Item=large)
    same(table.get_item(Key={"customer": "types", "order": 2})["Item"], large)
    table.put_item(Item={"customer": "types", "order": Decimal("-0.5")})
    orders = table.query(KeyConditionExpression=Key("customer").eq("types"), ProjectionExpression="#o", ExpressionAttributeNames={"#o": "order"})
    same([item["order"] for item in orders["Items"]], [Decimal("-0.5"), 1, 2, 3])


@check
def put_with_conditions_and_old_values():
    table = resource.Table(TABLE)
    first = {"customer": "put", "order": 1, "note": "first"}
    same("Attributes" in table.put_item(Item=first, ConditionExpression=Attr("customer").not_exists(), ReturnValues="ALL_OLD"), False)
    error = refused(
        "ConditionalCheckFailedException",
        table.put_item,
        Item={**first, "note": "second"},
        ConditionExpression=Attr("customer").not_exists(),
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        says="The conditional request failed",
    )
    same(error.response["Item"]["note"], {"S": "first"})
    replaced = table.put_item(
        Item={**first, "note": "second"},
        ConditionExpression=Attr("note").begins_with("fi") & Attr("order").between(0, 2) & ~Attr("gone").exists(),
        ReturnValues="ALL_OLD",
    )
    same(replaced["Attributes"], first)
    for condition in [
        Attr("note").eq("second") | Attr("note").eq("third"),
        Attr("note").is_in(["second", "third"]),
        Attr("note").size().eq(6),
        Attr("note").attribute_type("S"),
        Attr("note").contains("eco"),
        Attr("order").gte(1) & Attr("order").lt(2) & Attr("order").ne(3),
    ]:
        table.put_item(Item={**first, "note": "second"}, ConditionExpression=condition)
    capacity = table.put_item(Item={**first, "note": "x" * 2000}, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    same(capacity["TableName"], TABLE)
    same(capacity["Table"]["CapacityUnits"], 2.0)
    metrics = table.put_item(Item=first, ReturnItemCollectionMetrics="SIZE")["ItemCollectionMetrics"]
    same(metrics["ItemCollectionKey"], {"customer": "put"})
    same(len(metrics["SizeEstimateRangeGB"]), 2)


@check
def update_in_every_way():
    table = resource.Table(TABLE)
    key = {"customer": "update", "order": 1}
    same(table.update_item(Key=key, UpdateExpression="SET a = :a, m = :m", ExpressionAttributeValues={":a": 1, ":m": {"x": [1, 2, 3]}}, ReturnValues="ALL_NEW")["Attributes"],
         {**key, "a": 1, "m": {"x": [1, 2, 3]}})
    new = table.update_item(Key=key, UpdateExpression="SET a = a + :one, m.x[1] = :t REMOVE m.x[0]", ExpressionAttributeValues={":one": 1, ":t": "two"}, ReturnValues="UPDATED_NEW")
    same(new["Attributes"]["a"], 2)
    old = table.update_item(Key=key, UpdateExpression="ADD a :five, tags :tags", ExpressionAttributeValues={":five": 5, ":tags": {"x", "y"}}, ReturnValues="UPDATED_OLD")
    same(old["Attributes"], {"a": 2})
    old = table.update_item(Key=key, UpdateExpression="DELETE tags :tags", ExpressionAttributeValues={":tags": {"x"}}, ReturnValues="ALL_OLD")
    same(old["Attributes"], {**key, "a": 7, "m": {"x": ["two", 3]}, "tags": {"x", "y"}})
    table.update_item(
        Key=key,
        UpdateExpression="SET l = list_append(if_not_exists(l, :none), :more), b = if_not_exists(b, a)",
        ExpressionAttributeValues={":none": [], ":more": ["z"]},
    )
    same(table.get_item(Key=key)["Item"], {**key, "a": 7, "b": 7, "m": {"x": ["two", 3]}, "tags": {"y"}, "l": ["z"]})
    error = refused(
        "ConditionalCheckFailedException",
        table.update_item,
        Key=key,
        UpdateExpression="SET a = :v",
        ConditionExpression="a > :v",
        ExpressionAttributeValues={":v": 100},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    same(error.response["Item"]["a"], {"N": "7"})
    same("Item" in refused("ConditionalCheckFailedException", table.update_item, Key=key, UpdateExpression="REMOVE a", ConditionExpression="attribute_not_exists(a)").response, False)
    same("Attributes" in table.update_item(Key={**key, "order": 2}, UpdateExpression="REMOVE a", ReturnValues="ALL_NEW"), False, "an item that REMOVE alone made")
    refused("ValidationException", table.update_item, Key=key, UpdateExpression="SET a = a + :v", ExpressionAttributeValues={":v": "text"})
    refused("ValidationException", table.update_item, Key=key, UpdateExpression="SET customer = :v", ExpressionAttributeValues={":v": "text"}, says="part of the key")
    # The parameters of before expressions.
    same(
        table.update_item(Key=key, AttributeUpdates={"a": {"Action": "ADD", "Value": 3}, "b": {"Action": "DELETE"}}, Expected={"a": {"Value": 7}}, ReturnValues="UPDATED_NEW")["Attributes"],
        {"a": 10},
    )


@check
def delete_items():
    table = resource.Table(TABLE)
    key = {"customer": "delete", "order": 1}
    same("Attributes" in table.delete_item(Key=key, ReturnValues="ALL_OLD"), False)
    table.put_item(Item={**key, "a": 1})
    refused("ConditionalCheckFailedException", table.delete_item, Key=key, ConditionExpression=Attr("a").eq(2))
    same(table.delete_item(Key=key, ConditionExpression=Attr("a").eq(1), ReturnValues="ALL_OLD")["Attributes"], {**key, "a": 1})
    got = table.get_item(Key=key, ReturnConsumedCapacity="TOTAL")
    same("Item" in got, False)
    same(got["ConsumedCapacity"]["CapacityUnits"], 0.5)
    refused("ConditionalCheckFailedException", table.delete_item, Key=key, ConditionExpression=Attr("customer").exists())


@check
def projections_of_one_item():
    table = resource.Table(TABLE)
    key = {"customer": "project", "order": 1}
    table.put_item(Item={**key, "l": [1, 2, {"x": 3}], "m": {"a": 1, "b": {"c": 2}}, "other": 1})
    got = table.get_item(Key=key, ProjectionExpression="l[2].x, l[0], m.b.c, #o", ExpressionAttributeNames={"#o": "other"})
    same(got["Item"], {"l": [1, {"x": 3}], "m": {"b": {"c": 2}}, "other": 1})
    same(table.get_item(Key=key, ProjectionExpression="nothing")["Item"], {})
    same(table.get_item(Key=key, AttributesToGet=["other"])["Item"], {"other": 1})
    refused("ValidationException", table.get_item, Key=key, ProjectionExpression="l, l[0]", says="overlap")


# ---- queries and scans


STATES = ["new", "paid", "sent"]


def fill_orders(customers=4, orders=60):
    table = resource.Table(TABLE)
    with table.batch_writer() as batch:
        for c in range(customers):
            for n in range(orders):
                item = {
                    "customer": f"c{c}",
                    "order": n,
                    "placed": f"2026-{1 + n % 12:02}-{1 + n % 28:02}#{n}",
                    "total": Decimal(n) / 4,
                    "note": f"note {n}",
                    "padding": "p" * 100,
                }
                if n % 4 < 3:
                    item["state"] = STATES[n % 4]
                batch.put_item(Item=item)
    return customers, orders


@check
def query_with_conditions_and_pages():
    customers, orders = fill_orders()
    table = resource.Table(TABLE)
    mine = Key("customer").eq("c1")
    whole = table.query(KeyConditionExpression=mine)
    same((whole["Count"], whole["ScannedCount"]), (orders, orders))
    same("LastEvaluatedKey" in whole, False)
    same([item["order"] for item in whole["Items"]], list(range(orders)))
    back = table.query(KeyConditionExpression=mine, ScanIndexForward=False, Limit=3)
    same([item["order"] for item in back["Items"]], [orders - 1, orders - 2, orders - 3])
    same(back["LastEvaluatedKey"], {"customer": "c1", "order": orders - 3})
    for condition, expected in [
        (Key("order").lt(5), range(5)),
        (Key("order").lte(5), range(6)),
        (Key("order").gt(55), range(56, 60)),
        (Key("order").gte(55), range(55, 60)),
        (Key("order").between(10, 12), range(10, 13)),
        (Key("order").eq(7), range(7, 8)),
        (Key("order").gt(1000), range(0)),
    ]:
        found = table.query(KeyConditionExpression=mine & condition)["Items"]
        same([item["order"] for item in found], list(expected))
    filtered = table.query(KeyConditionExpression=mine, FilterExpression=Attr("state").eq("new"), Limit=10)
    same((filtered["Count"], filtered["ScannedCount"]), (3, 10))
    count = table.query(KeyConditionExpression=mine, Select="COUNT")
    same((count["Count"], "Items" in count), (orders, False))
    pages = list(
        client.get_paginator("query").paginate(
            TableName=TABLE,
            KeyConditionExpression="customer = :c",
            ExpressionAttributeValues={":c": {"S": "c1"}},
            FilterExpression="attribute_exists(note)",
            PaginationConfig={"PageSize": 7},
        )
    )
    same(len(pages), orders // 7 + 1)
    same([int(item["order"]["N"]) for page in pages for item in page["Items"]], list(range(orders)))
    # A page ends at a megabyte.
    with table.batch_writer() as batch:
        for n in range(12):
            batch.put_item(Item={"customer": "wide", "order": n, "padding": "w" * 200_000})
    first = table.query(KeyConditionExpression=Key("customer").eq("wide"), ReturnConsumedCapacity="TOTAL")
    assert 5 <= first["Count"] <= 6 and "LastEvaluatedKey" in first, first["Count"]
    assert 120 <= first["ConsumedCapacity"]["CapacityUnits"] <= 150, first["ConsumedCapacity"]
    build = client.get_paginator("query").paginate(TableName=TABLE, KeyConditionExpression="customer = :c", ExpressionAttributeValues={":c": {"S": "wide"}})
    same(len(build.build_full_result()["Items"]), 12)
    # The parameters of before expressions.
    old = client.query(TableName=TABLE, KeyConditions={"customer": {"AttributeValueList": [{"S": "c2"}], "ComparisonOperator": "EQ"}, "order": {"AttributeValueList": [{"N": "3"}], "ComparisonOperator": "LT"}}, QueryFilter={"state": {"ComparisonOperator": "NOT_NULL"}})
    same(old["Count"], 3)


@check
def query_the_local_index():
    table = resource.Table(TABLE)
    march = table.query(
        IndexName="by-date",
        KeyConditionExpression=Key("customer").eq("c0") & Key("placed").begins_with("2026-03"),
        ConsistentRead=True,
    )
    same([item["order"] for item in march["Items"]], [2, 38, 14, 50, 26])
    same(march["Count"], 5)
    same(set(march["Items"][0]), {"customer", "order", "placed", "note"}, "what INCLUDE projects")
    whole = table.query(IndexName="by-date", KeyConditionExpression=Key("customer").eq("c0"), Select="ALL_ATTRIBUTES", Limit=2)
    same("padding" in whole["Items"][0], True, "fetched from the table")
    same(set(whole["LastEvaluatedKey"]), {"customer", "order", "placed"})
    seen = []
    pages = client.get_paginator("query").paginate(
        TableName=TABLE, IndexName="by-date", KeyConditionExpression="customer = :c", ExpressionAttributeValues={":c": {"S": "c0"}}, PaginationConfig={"PageSize": 9}
    )
    for page in pages:
        seen += [item["placed"]["S"] for item in page["Items"]]
    same(seen, sorted(seen))
    same(len(seen), 60)


@check
def query_the_global_index():
    table = resource.Table(TABLE)

    def paid():
        return client.get_paginator("query").paginate(
            TableName=TABLE, IndexName="by-state", KeyConditionExpression="#s = :s", ExpressionAttributeNames={"#s": "state"}, ExpressionAttributeValues={":s": {"S": "paid"}}, PaginationConfig={"PageSize": 11}
        ).build_full_result()["Items"]

    found = eventually(lambda: len(items := paid()) == 60 and items, "60 paid orders in the index")
    totals = [Decimal(item["total"]["N"]) for item in found]
    same(totals, sorted(totals))
    same("padding" in found[0], True)
    few = table.query(IndexName="by-state", KeyConditionExpression=Key("state").eq("paid") & Key("total").between(1, 2), Limit=1)
    same(set(few["LastEvaluatedKey"]), {"customer", "order", "state", "total"})
    refused("ValidationException", table.query, IndexName="by-state", KeyConditionExpression=Key("state").eq("paid"), ConsistentRead=True, says="onsistent")
    # An item leaves the index with its key's attribute, and moves with its value.
    table.update_item(Key={"customer": "c3", "order": 1}, UpdateExpression="REMOVE #s", ExpressionAttributeNames={"#s": "state"})
    table.update_item(Key={"customer": "c3", "order": 5}, UpdateExpression="SET #s = :s", ExpressionAttributeNames={"#s": "state"}, ExpressionAttributeValues={":s": "sent"})
    eventually(lambda: len(paid()) == 58, "58 paid orders in the index")
    scanned = eventually(lambda: (n := table.scan(IndexName="by-state", Select="COUNT")["Count"]) == 179 and n, "179 items in the index")
    same(scanned, 179)
    refused("ValidationException", table.put_item, Item={"customer": "c3", "order": 1, "state": 5}, says="by-state")
    refused("ValidationException", table.put_item, Item={"customer": "c3", "order": 1, "state": ""})


@check
def scan_by_pages_and_in_parallel():
    table = resource.Table(TABLE)
    whole = list(client.get_paginator("scan").paginate(TableName=TABLE, PaginationConfig={"PageSize": 50}))
    keys = [(item["customer"]["S"], item["order"]["N"]) for page in whole for item in page["Items"]]
    same(len(keys), len(set(keys)), "each item once")
    segments = [[] for _ in range(4)]
    faults = []

    def scan(segment):
        try:
            start = {}
            while True:
                page = table.scan(Segment=segment, TotalSegments=4, Limit=40, ProjectionExpression="customer, #o", ExpressionAttributeNames={"#o": "order"}, **start)
                segments[segment] += [(item["customer"], str(item["order"])) for item in page["Items"]]
                if "LastEvaluatedKey" not in page:
                    break
                start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        except Exception as error:  # told to the caller, who is in another thread
            faults.append(error)

    threads = [threading.Thread(target=scan, args=[segment]) for segment in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(faults, [])
    together = [key for segment in segments for key in segment]
    same(sorted(together), sorted(keys), "all segments together")
    filtered = table.scan(FilterExpression=Attr("customer").eq("c0") & (Attr("total").lt(1) | Attr("note").contains("note 5")))
    same(filtered["Count"], 15)
    refused("ValidationException", table.scan, Segment=4, TotalSegments=4)
    refused("ValidationException", table.scan, TotalSegments=4)
    old = client.scan(TableName=TABLE, ScanFilter={"customer": {"AttributeValueList": [{"S": "c0"}], "ComparisonOperator": "EQ"}}, AttributesToGet=["order"])
    same(set(old["Items"][0]), {"order"})


# ---- batches


@check
def batches():
    table = resource.Table(TABLE)
    written = client.batch_write_item(
        RequestItems={TABLE: [{"PutRequest": {"Item": {"customer": {"S": "batch"}, "order": {"N": str(n)}}}} for n in range(25)]},
        ReturnConsumedCapacity="TOTAL",
    )
    same(written["UnprocessedItems"], {})
    same(written["ConsumedCapacity"][0]["TableName"], TABLE)
    with table.batch_writer(overwrite_by_pkeys=["customer", "order"]) as batch:
        for n in range(70):
            batch.put_item(Item={"customer": "batch", "order": n, "twice": False})
            batch.put_item(Item={"customer": "batch", "order": n, "twice": True})
        for n in range(60, 70):
            batch.delete_item(Key={"customer": "batch", "order": n})
    found = table.query(KeyConditionExpression=Key("customer").eq("batch"))["Items"]
    same(len(found), 60)
    same({item["twice"] for item in found}, {True})
    keys = [{"customer": "batch", "order": n} for n in range(80)]
    got = resource.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True, "ProjectionExpression": "#o", "ExpressionAttributeNames": {"#o": "order"}}})
    same(sorted(item["order"] for item in got["Responses"][TABLE]), list(range(60)))
    same(got["UnprocessedKeys"], {})
    # 16 MiB are the most of one answer: the rest is to be asked for again.
    with table.batch_writer() as batch:
        for n in range(48):
            batch.put_item(Item={"customer": "heavy", "order": n, "padding": "h" * 390_000})
    wanted, answers, seen = {TABLE: {"Keys": [{"customer": "heavy", "order": n} for n in range(48)]}}, 0, set()
    while wanted:
        got = resource.batch_get_item(RequestItems=wanted)
        answers += 1
        seen |= {int(item["order"]) for item in got["Responses"][TABLE]}
        wanted = got["UnprocessedKeys"]
    same(seen, set(range(48)))
    assert answers > 1, "48 items of 390 KB in one answer"
    double = [{"DeleteRequest": {"Key": {"customer": {"S": "batch"}, "order": {"N": n}}}} for n in ["1", "1.0"]]
    refused("ValidationException", client.batch_write_item, RequestItems={TABLE: double}, says="duplicates")
    refused("ValidationException", client.batch_write_item, RequestItems={TABLE: [{"DeleteRequest": {"Key": {"customer": {"S": "batch"}, "order": {"N": str(n)}}}} for n in range(26)]})
    refused("ResourceNotFoundException", client.batch_write_item, RequestItems={"boto3-nothing": double[:1]})
    refused("ValidationException", client.batch_get_item, RequestItems={TABLE: {"Keys": [{"customer": {"S": "batch"}, "order": {"N": str(n)}} for n in range(101)]}})


# ---- tags, expiry


@check
def tags():
    arn = client.describe_table(TableName=TABLE)["Table"]["TableArn"]
    same(client.list_tags_of_resource(ResourceArn=arn)["Tags"], [{"Key": "owner", "Value": "clients"}])
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": f"tag {n}", "Value": ""} for n in range(20)])
    listed = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn).build_full_result()["Tags"]
    same(len(listed), 21)
    client.untag_resource(ResourceArn=arn, TagKeys=[f"tag {n}" for n in range(20)])
    same(client.list_tags_of_resource(ResourceArn=arn)["Tags"], [{"Key": "owner", "Value": "clients"}])
    refused("ResourceNotFoundException", client.tag_resource, ResourceArn=arn + "-not", Tags=[{"Key": "a", "Value": "b"}])
    refused("ValidationException", client.tag_resource, ResourceArn=arn, Tags=[{"Key": "aws:a", "Value": "b"}])


@check
def expiry():
    same(client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"], {"TimeToLiveStatus": "DISABLED"})
    on = {"Enabled": True, "AttributeName": "expires"}
    same(client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=on)["TimeToLiveSpecification"], on)
    described = eventually(
        lambda: (found := client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"])["TimeToLiveStatus"] == "ENABLED" and found,
        "expiry is on",
    )
    same(described["AttributeName"], "expires")
    refused("ValidationException", client.update_time_to_live, TableName=TABLE, TimeToLiveSpecification=on, says="already enabled")
    refused("ResourceNotFoundException", client.update_time_to_live, TableName="boto3-nothing", TimeToLiveSpecification=on)
    client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={**on, "Enabled": False})


# ---- errors


@check
def errors_of_items():
    table = resource.Table(TABLE)
    key = {"customer": "errors", "order": 1}
    refused("ValidationException", table.get_item, Key={"customer": "errors"}, says="does not match the schema")
    refused("ValidationException", table.get_item, Key={"customer": "errors", "order": "1"}, says="does not match the schema")
    refused("ValidationException", table.put_item, Item={"customer": "", "order": 1}, says="empty string")
    refused("ValidationException", table.put_item, Item={"customer": "errors"}, says="Missing the key order")
    refused("ValidationException", table.put_item, Item={**key, "a": "x" * 410_000}, says="Item size has exceeded")
    refused("ValidationException", table.query, KeyConditionExpression=Key("order").eq(1))
    refused("ValidationException", table.query, KeyConditionExpression=Key("nothing").eq(1))
    refused("ValidationException", table.scan, FilterExpression="a = :a", says="not defined")
    refused("ValidationException", table.scan, FilterExpression="size = :a", ExpressionAttributeValues={":a": 1}, says="reserved keyword")
    refused("ValidationException", table.scan, FilterExpression="a =", says="Syntax error")
    refused("ValidationException", table.update_item, Key=key, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": 1, ":b": 2}, says="unused in expressions")
    refused("ValidationException", table.put_item, Item=key, ReturnValues="UPDATED_NEW")
    refused("ValidationException", client.put_item, TableName=TABLE, Item={"customer": {"S": "e"}, "order": {"N": "1"}, "a": {"SS": []}}, says="empty")
    refused("ValidationException", client.put_item, TableName=TABLE, Item={"customer": {"S": "e"}, "order": {"N": "1"}, "a": {"N": "ten"}}, says="numeric value")
    refused("ValidationException", client.put_item, TableName=TABLE, Item={"customer": {"S": "e"}, "order": {"N": "1"}, "a": {"N": "1" * 39}}, says="38")
    try:
        client.put_item(TableName=TABLE, Item={"customer": {"X": "1"}})
        raise AssertionError("boto3 sent an unknown type")
    except ParamValidationError:
        pass


@check
def signatures_are_checked():
    def as_somebody(access_key, secret):
        return boto3.client("dynamodb", aws_access_key_id=access_key, aws_secret_access_key=secret, config=ONCE)

    refused("UnrecognizedClientException", as_somebody("NOBODYNOBODYNOBODY00", "x").list_tables)
    known = os.environ["AWS_ACCESS_KEY_ID"]
    refused("InvalidSignatureException", as_somebody(known, "wrong").list_tables)


@check
def many_at_once():
    """One client, many threads, more connections than its pool keeps; standard retries."""
    wide = boto3.client("dynamodb", config=Config(max_pool_connections=32, retries={"mode": "adaptive", "total_max_attempts": 3}))
    key = {"customer": {"S": "counter"}, "order": {"N": "0"}}
    faults = []

    def add():
        try:
            for _ in range(20):
                wide.update_item(TableName=TABLE, Key=key, UpdateExpression="ADD hits :one", ExpressionAttributeValues={":one": {"N": "1"}})
        except Exception as error:  # told to the caller, who is in another thread
            faults.append(error)

    threads = [threading.Thread(target=add) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(faults, [])
    same(client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]["hits"], {"N": "320"})


@check
def retries_after_a_lost_connection():
    """Between them stands somebody who hangs up on the first request, before the server has seen it."""
    host, port = os.environ["AWS_ENDPOINT_URL_DYNAMODB"].split("//")[1].split(":")
    door = socket.create_server(("127.0.0.1", 0))
    calls = []

    def carry(source, sink):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.close()

    def stand_between():
        while True:
            caller, _ = door.accept()
            calls.append(caller)
            if len(calls) == 1:
                caller.recv(1)
                caller.close()
                continue
            server = socket.create_connection((host, int(port)))
            for source, sink in [(caller, server), (server, caller)]:
                threading.Thread(target=carry, args=(source, sink), daemon=True).start()

    threading.Thread(target=stand_between, daemon=True).start()
    patient = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{door.getsockname()[1]}",
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
    )
    answer = patient.put_item(TableName=TABLE, Item={"customer": {"S": "retried"}, "order": {"N": "1"}})
    same((answer["ResponseMetadata"]["RetryAttempts"], len(calls)), (1, 2))


# ---- transactions, when the server has them


def transactions():
    keys = [{"customer": {"S": "tx"}, "order": {"N": str(n)}} for n in range(3)]
    client.transact_write_items(
        TransactItems=[{"Put": {"TableName": TABLE, "Item": {**key, "a": {"N": "1"}}}} for key in keys[:2]]
        + [{"Update": {"TableName": TABLE, "Key": keys[2], "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}}],
        ClientRequestToken="boto3-token-1",
    )
    got = client.transact_get_items(TransactItems=[{"Get": {"TableName": TABLE, "Key": key}} for key in keys])
    same([answer["Item"]["a"]["N"] for answer in got["Responses"]], ["1", "1", "1"])
    check_fails = {"ConditionCheck": {"TableName": TABLE, "Key": keys[0], "ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"N": "2"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    error = refused("TransactionCanceledException", client.transact_write_items, TransactItems=[{"Delete": {"TableName": TABLE, "Key": keys[1]}}, check_fails], says="[None, ConditionalCheckFailed]")
    reasons = error.response["CancellationReasons"]
    same([reason["Code"] for reason in reasons], ["None", "ConditionalCheckFailed"])
    same(reasons[1]["Item"]["a"], {"N": "1"})
    same("Item" in client.get_item(TableName=TABLE, Key=keys[1]), True, "what a cancelled transaction deleted")
    refused(
        "IdempotentParameterMismatchException",
        client.transact_write_items,
        TransactItems=[{"Delete": {"TableName": TABLE, "Key": keys[1]}}],
        ClientRequestToken="boto3-token-1",
    )


if os.environ.get("FLYWHEEL_TRANSACTIONS") == "1":
    check(transactions)


@check
def delete_the_table():
    table = resource.Table(TABLE)
    gone = client.delete_table(TableName=TABLE)["TableDescription"]
    same(gone["TableStatus"], "DELETING")
    table.wait_until_not_exists(WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    refused("ResourceNotFoundException", table.put_item, Item={"customer": "a", "order": 1})


def main():
    print(f"boto3 {boto3.__version__}, botocore {botocore.__version__}, {len(checks)} checks")
    failed = 0
    for function in checks:
        try:
            function()
        except Exception:
            failed += 1
            print(f"FAILED {function.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
