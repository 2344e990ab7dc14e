"""boto3: tables and their indexes, tags, expiry, what the service says of itself. Part of boto3_client.py."""

import os
import time

from boto3.dynamodb.conditions import Key

from boto3_support import TABLE, check, client, eventually, refused, resource, same, wait


@check
def create_describe_and_list():
    made = client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in [("customer", "S"), ("order", "N"), ("placed", "S"), ("state", "S"), ("total", "N")]
        ],
        KeySchema=[{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "order", "KeyType": "RANGE"}],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-date",
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "placed", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-state",
                "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}, {"AttributeName": "total", "KeyType": "RANGE"}],
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
    (local,) = table["LocalSecondaryIndexes"]
    same(local["Projection"], {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]})
    same(local["IndexArn"], table["TableArn"] + "/index/by-date")
    (everywhere,) = table["GlobalSecondaryIndexes"]
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
        TableName=name, BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
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
    (endpoint,) = client.describe_endpoints()["Endpoints"]
    here = os.environ["AWS_ENDPOINT_URL_DYNAMODB"].split("//")[1]
    same(endpoint["Address"], here)
    assert endpoint["CachePeriodInMinutes"] > 0
    backups = client.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    same(backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "DISABLED")


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
        lambda: (found := client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"])["TimeToLiveStatus"] == "ENABLED"
        and found,
        "expiry is on",
    )
    same(described["AttributeName"], "expires")
    refused(
        "ValidationException", client.update_time_to_live, TableName=TABLE, TimeToLiveSpecification=on, says="already enabled"
    )
    refused("ResourceNotFoundException", client.update_time_to_live, TableName="boto3-nothing", TimeToLiveSpecification=on)
    client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={**on, "Enabled": False})
