"""boto3: one item at a time: types, conditions, updates, returned values, errors. Part of boto3_client.py."""

from decimal import Decimal

from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ParamValidationError

from boto3_support import TABLE, check, client, refused, resource, same

EVERY_TYPE = {
    "s": 'text with ümläuts, \u65e5\u672c\u8a9e, \U0001f600 and "quotes"\n\t\\',
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
    orders = table.query(
        KeyConditionExpression=Key("customer").eq("types"), ProjectionExpression="#o", ExpressionAttributeNames={"#o": "order"}
    )
    same([item["order"] for item in orders["Items"]], [Decimal("-0.5"), 1, 2, 3])


@check
def put_with_conditions_and_old_values():
    table = resource.Table(TABLE)
    first = {"customer": "put", "order": 1, "note": "first"}
    same(
        "Attributes" in table.put_item(Item=first, ConditionExpression=Attr("customer").not_exists(), ReturnValues="ALL_OLD"),
        False,
    )
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
    same(
        table.update_item(
            Key=key,
            UpdateExpression="SET a = :a, m = :m",
            ExpressionAttributeValues={":a": 1, ":m": {"x": [1, 2, 3]}},
            ReturnValues="ALL_NEW",
        )["Attributes"],
        {**key, "a": 1, "m": {"x": [1, 2, 3]}},
    )
    new = table.update_item(
        Key=key,
        UpdateExpression="SET a = a + :one, m.x[1] = :t REMOVE m.x[0]",
        ExpressionAttributeValues={":one": 1, ":t": "two"},
        ReturnValues="UPDATED_NEW",
    )
    same(new["Attributes"]["a"], 2)
    old = table.update_item(
        Key=key,
        UpdateExpression="ADD a :five, tags :tags",
        ExpressionAttributeValues={":five": 5, ":tags": {"x", "y"}},
        ReturnValues="UPDATED_OLD",
    )
    same(old["Attributes"], {"a": 2})
    old = table.update_item(
        Key=key, UpdateExpression="DELETE tags :tags", ExpressionAttributeValues={":tags": {"x"}}, ReturnValues="ALL_OLD"
    )
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
    same(
        "Item"
        in refused(
            "ConditionalCheckFailedException",
            table.update_item,
            Key=key,
            UpdateExpression="REMOVE a",
            ConditionExpression="attribute_not_exists(a)",
        ).response,
        False,
    )
    same(
        "Attributes" in table.update_item(Key={**key, "order": 2}, UpdateExpression="REMOVE a", ReturnValues="ALL_NEW"),
        False,
        "an item that REMOVE alone made",
    )
    refused(
        "ValidationException",
        table.update_item,
        Key=key,
        UpdateExpression="SET a = a + :v",
        ExpressionAttributeValues={":v": "text"},
    )
    refused(
        "ValidationException",
        table.update_item,
        Key=key,
        UpdateExpression="SET customer = :v",
        ExpressionAttributeValues={":v": "text"},
        says="part of the key",
    )
    # The parameters of before expressions.
    same(
        table.update_item(
            Key=key,
            AttributeUpdates={"a": {"Action": "ADD", "Value": 3}, "b": {"Action": "DELETE"}},
            Expected={"a": {"Value": 7}},
            ReturnValues="UPDATED_NEW",
        )["Attributes"],
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
    refused(
        "ValidationException",
        table.scan,
        FilterExpression="size = :a",
        ExpressionAttributeValues={":a": 1},
        says="reserved keyword",
    )
    refused("ValidationException", table.scan, FilterExpression="a =", says="Syntax error")
    refused(
        "ValidationException",
        table.update_item,
        Key=key,
        UpdateExpression="SET a = :a",
        ExpressionAttributeValues={":a": 1, ":b": 2},
        says="unused in expressions",
    )
    refused("ValidationException", table.put_item, Item=key, ReturnValues="UPDATED_NEW")
    refused(
        "ValidationException",
        client.put_item,
        TableName=TABLE,
        Item={"customer": {"S": "e"}, "order": {"N": "1"}, "a": {"SS": []}},
        says="empty",
    )
    refused(
        "ValidationException",
        client.put_item,
        TableName=TABLE,
        Item={"customer": {"S": "e"}, "order": {"N": "1"}, "a": {"N": "ten"}},
        says="numeric value",
    )
    refused(
        "ValidationException",
        client.put_item,
        TableName=TABLE,
        Item={"customer": {"S": "e"}, "order": {"N": "1"}, "a": {"N": "1" * 39}},
        says="38",
    )
    try:
        client.put_item(TableName=TABLE, Item={"customer": {"X": "1"}})
        raise AssertionError("boto3 sent an unknown type")
    except ParamValidationError:
        pass
