#!/usr/bin/env python3
"""boto3 against a running server: tables, items, reads, signatures, threads, retries. Run by scripts/clients/run.

Where it connects to and as whom, boto3 reads from the environment (AWS_ENDPOINT_URL_DYNAMODB and the usual others): this
program says nothing about its server. FLYWHEEL_TRANSACTIONS=1 adds transactions.
"""

import os
import socket
import sys
import threading
import traceback

import boto3
import botocore
from botocore.config import Config

# Their checks run in the order of these lines, before those below.
import boto3_tables
import boto3_items
import boto3_reads
from boto3_support import ONCE, TABLE, check, checks, client, refused, resource, same

assert boto3_tables and boto3_items and boto3_reads


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
                wide.update_item(
                    TableName=TABLE, Key=key, UpdateExpression="ADD hits :one", ExpressionAttributeValues={":one": {"N": "1"}}
                )
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
        + [
            {
                "Update": {
                    "TableName": TABLE,
                    "Key": keys[2],
                    "UpdateExpression": "SET a = :a",
                    "ExpressionAttributeValues": {":a": {"N": "1"}},
                }
            }
        ],
        ClientRequestToken="boto3-token-1",
    )
    got = client.transact_get_items(TransactItems=[{"Get": {"TableName": TABLE, "Key": key}} for key in keys])
    same([answer["Item"]["a"]["N"] for answer in got["Responses"]], ["1", "1", "1"])
    check_fails = {
        "ConditionCheck": {
            "TableName": TABLE,
            "Key": keys[0],
            "ConditionExpression": "a = :a",
            "ExpressionAttributeValues": {":a": {"N": "2"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    error = refused(
        "TransactionCanceledException",
        client.transact_write_items,
        TransactItems=[{"Delete": {"TableName": TABLE, "Key": keys[1]}}, check_fails],
        says="[None, ConditionalCheckFailed]",
    )
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
