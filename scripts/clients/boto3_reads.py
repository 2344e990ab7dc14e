"""boto3: queries, scans and batches, by pages, by indexes, in parallel. Part of boto3_client.py."""

import threading
from decimal import Decimal

from boto3.dynamodb.conditions import Attr, Key

from boto3_support import TABLE, check, client, eventually, refused, resource, same

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
    build = client.get_paginator("query").paginate(
        TableName=TABLE, KeyConditionExpression="customer = :c", ExpressionAttributeValues={":c": {"S": "wide"}}
    )
    same(len(build.build_full_result()["Items"]), 12)
    # The parameters of before expressions.
    old = client.query(
        TableName=TABLE,
        KeyConditions={
            "customer": {"AttributeValueList": [{"S": "c2"}], "ComparisonOperator": "EQ"},
            "order": {"AttributeValueList": [{"N": "3"}], "ComparisonOperator": "LT"},
        },
        QueryFilter={"state": {"ComparisonOperator": "NOT_NULL"}},
    )
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
        TableName=TABLE,
        IndexName="by-date",
        KeyConditionExpression="customer = :c",
        ExpressionAttributeValues={":c": {"S": "c0"}},
        PaginationConfig={"PageSize": 9},
    )
    for page in pages:
        seen += [item["placed"]["S"] for item in page["Items"]]
    same(seen, sorted(seen))
    same(len(seen), 60)


@check
def query_the_global_index():
    table = resource.Table(TABLE)

    def paid():
        return (
            client.get_paginator("query")
            .paginate(
                TableName=TABLE,
                IndexName="by-state",
                KeyConditionExpression="#s = :s",
                ExpressionAttributeNames={"#s": "state"},
                ExpressionAttributeValues={":s": {"S": "paid"}},
                PaginationConfig={"PageSize": 11},
            )
            .build_full_result()["Items"]
        )

    found = eventually(lambda: len(items := paid()) == 60 and items, "60 paid orders in the index")
    totals = [Decimal(item["total"]["N"]) for item in found]
    same(totals, sorted(totals))
    same("padding" in found[0], True)
    few = table.query(IndexName="by-state", KeyConditionExpression=Key("state").eq("paid") & Key("total").between(1, 2), Limit=1)
    same(set(few["LastEvaluatedKey"]), {"customer", "order", "state", "total"})
    refused(
        "ValidationException",
        table.query,
        IndexName="by-state",
        KeyConditionExpression=Key("state").eq("paid"),
        ConsistentRead=True,
        says="onsistent",
    )
    # An item leaves the index with its key's attribute, and moves with its value.
    table.update_item(Key={"customer": "c3", "order": 1}, UpdateExpression="REMOVE #s", ExpressionAttributeNames={"#s": "state"})
    table.update_item(
        Key={"customer": "c3", "order": 5},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": "sent"},
    )
    eventually(lambda: len(paid()) == 58, "58 paid orders in the index")
    scanned = eventually(
        lambda: (n := table.scan(IndexName="by-state", Select="COUNT")["Count"]) == 179 and n, "179 items in the index"
    )
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
                page = table.scan(
                    Segment=segment,
                    TotalSegments=4,
                    Limit=40,
                    ProjectionExpression="customer, #o",
                    ExpressionAttributeNames={"#o": "order"},
                    **start,
                )
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
    old = client.scan(
        TableName=TABLE,
        ScanFilter={"customer": {"AttributeValueList": [{"S": "c0"}], "ComparisonOperator": "EQ"}},
        AttributesToGet=["order"],
    )
    same(set(old["Items"][0]), {"order"})


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
    got = resource.batch_get_item(
        RequestItems={
            TABLE: {
                "Keys": keys,
                "ConsistentRead": True,
                "ProjectionExpression": "#o",
                "ExpressionAttributeNames": {"#o": "order"},
            }
        }
    )
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
    refused(
        "ValidationException",
        client.batch_write_item,
        RequestItems={
            TABLE: [{"DeleteRequest": {"Key": {"customer": {"S": "batch"}, "order": {"N": str(n)}}}} for n in range(26)]
        },
    )
    refused("ResourceNotFoundException", client.batch_write_item, RequestItems={"boto3-nothing": double[:1]})
    refused(
        "ValidationException",
        client.batch_get_item,
        RequestItems={TABLE: {"Keys": [{"customer": {"S": "batch"}, "order": {"N": str(n)}} for n in range(101)]}},
    )
