#!/usr/bin/env python3
"""PynamoDB against a running server: models with indexes, conditions, updates, batches. Run by scripts/clients/run.

Where it connects to and as whom, it reads from the environment. FLYWHEEL_TRANSACTIONS=1 adds transactions.
"""

import os
import sys
import time
import traceback
from datetime import datetime, timedelta, timezone

import pynamodb
from pynamodb.attributes import (
    BinaryAttribute,
    BinarySetAttribute,
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    NumberSetAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, TableError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

HOST = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
REGION = os.environ["AWS_REGION"]
checks = []


def check(function):
    """Puts a function into the list of what runs, in the order of the file."""
    checks.append(function)
    return function


def same(found, expected, what=""):
    assert found == expected, f"{what}: found {found!r}, expected {expected!r}"


def raises(kind, call, code=None):
    try:
        call()
    except kind as error:
        if code:
            same(error.cause_response_code, code)
        return error
    raise AssertionError(f"no {kind.__name__}")


class BySubject(GlobalSecondaryIndex):
    class Meta:
        index_name = "by-subject"
        projection = AllProjection()

    subject = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class ByViews(LocalSecondaryIndex):
    class Meta:
        index_name = "by-views"
        projection = KeysOnlyProjection()

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Author(MapAttribute):
    name = UnicodeAttribute()
    born = UTCDateTimeAttribute(null=True)
    ratings = ListAttribute(of=NumberAttribute, default=list)


class Thread(Model):
    class Meta:
        table_name = "pynamodb-threads"
        host = HOST
        region = REGION
        billing_mode = "PAY_PER_REQUEST"
        tags = {"owner": "clients"}
        max_retry_attempts = 0

    forum = UnicodeAttribute(hash_key=True)
    title = UnicodeAttribute(range_key=True)
    views = NumberAttribute(default=0)
    subject = UnicodeAttribute(null=True)
    is_open = BooleanAttribute(default=True)
    body = BinaryAttribute(null=True, legacy_encoding=False)
    labels = UnicodeSetAttribute(null=True)
    numbers = NumberSetAttribute(null=True)
    blobs = BinarySetAttribute(null=True, legacy_encoding=False)
    author = Author(null=True)
    extra = JSONAttribute(null=True)
    anything = MapAttribute(null=True)
    written = UTCDateTimeAttribute(null=True)
    expires = TTLAttribute(null=True)
    by_subject = BySubject()
    by_views = ByViews()


class Versioned(Model):
    class Meta:
        table_name = "pynamodb-versioned"
        host = HOST
        region = REGION
        read_capacity_units = 2
        write_capacity_units = 3
        max_retry_attempts = 0

    id = NumberAttribute(hash_key=True)
    text = UnicodeAttribute(default="")
    version = VersionAttribute()


class Nowhere(Model):
    class Meta:
        table_name = "pynamodb-nothing"
        host = HOST
        region = REGION

    id = UnicodeAttribute(hash_key=True)


@check
def tables():
    same(Thread.exists(), False)
    Thread.create_table(wait=True)
    Versioned.create_table(wait=True)
    same(Thread.exists(), True)
    described = Thread.describe_table()
    same(described["TableStatus"], "ACTIVE")
    same([index["IndexName"] for index in described["GlobalSecondaryIndexes"]], ["by-subject"])
    same(Versioned.describe_table()["ProvisionedThroughput"]["WriteCapacityUnits"], 3)
    assert {"pynamodb-threads", "pynamodb-versioned"} <= set(Connection(REGION, HOST).list_tables()["TableNames"])
    # Making the table has turned this on already.
    raises(TableError, lambda: Thread.update_ttl(ignore_update_ttl_errors=False), "ValidationException")


@check
def every_attribute_round_trips():
    written = datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=timezone.utc)
    thread = Thread(
        "types",
        "all",
        views=12345678901234567890,
        subject="s\u00fcbject",
        body=bytes(range(256)),
        labels={"a", "b"},
        numbers={1, 2.5, -3},
        blobs={b"\x00", b"\xff"},
        author=Author(name="Ada", born=written, ratings=[1, 2.5]),
        extra={"a": [1, None, {"b": "c"}]},
        anything=MapAttribute(x=1, y={"z": [True, None, "s"]}),
        written=written,
        expires=timedelta(days=1),
    )
    thread.save()
    found = Thread.get("types", "all", consistent_read=True)
    for name in ["views", "subject", "body", "labels", "numbers", "blobs", "extra", "written", "is_open"]:
        same(getattr(found, name), getattr(thread, name), name)
    same((found.author.name, found.author.born, list(found.author.ratings)), ("Ada", written, [1, 2.5]))
    same(found.anything.as_dict(), {"x": 1, "y": {"z": [True, None, "s"]}})
    assert abs((found.expires - datetime.now(timezone.utc)).total_seconds() - 86400) < 60
    found.refresh()
    raises(DoesNotExist, lambda: Thread.get("types", "none"))


@check
def conditions_and_updates():
    thread = Thread("conditions", "one", views=1, labels={"x", "y"}, author=Author(name="Bob"))
    thread.save(Thread.title.does_not_exist())
    raises(PutError, lambda: thread.save(Thread.title.does_not_exist()), "ConditionalCheckFailedException")
    thread.update(
        actions=[
            Thread.views.add(4),
            Thread.subject.set("s"),
            Thread.labels.delete({"x"}),
            Thread.author.ratings.set(Thread.author.ratings.append([5])),
            Thread.is_open.set(False),
        ],
        condition=(Thread.views == 1) & Thread.labels.contains("x") & (Thread.author.name.startswith("B")),
    )
    same((thread.views, thread.subject, thread.labels, thread.is_open), (5, "s", {"y"}, False))
    same(list(thread.author.ratings), [5])
    raises(
        UpdateError, lambda: thread.update([Thread.views.set(0)], condition=Thread.views > 5), "ConditionalCheckFailedException"
    )
    thread.update([Thread.views.set(Thread.views - 2), Thread.subject.remove(), Thread.author.ratings[0].set(6)])
    same((thread.views, thread.subject, list(thread.author.ratings)), (3, None, [6]))
    thread.update([Thread.subject.set(Thread.subject | "default")])
    same(thread.subject, "default")
    raises(DeleteError, lambda: thread.delete(Thread.is_open == True), "ConditionalCheckFailedException")  # noqa: E712
    thread.delete(Thread.is_open == False)  # noqa: E712
    raises(DoesNotExist, lambda: Thread.get("conditions", "one"))


@check
def versions_keep_writers_apart():
    first = Versioned(1, text="first")
    first.save()
    other = Versioned.get(1)
    first.text = "second"
    first.save()
    same(first.version, 2)
    other.text = "lost"
    raises(PutError, other.save, "ConditionalCheckFailedException")
    other.refresh()
    other.update([Versioned.text.set("third")])
    same(Versioned.get(1).version, 3)


@check
def queries_scans_and_batches():
    with Thread.batch_write() as batch:
        for n in range(60):
            batch.save(Thread(f"forum {n % 2}", f"title {n:02}", views=n, subject=["red", "green", "blue"][n % 3]))
    titles = [thread.title for thread in Thread.query("forum 0", Thread.title.between("title 10", "title 19"))]
    same(titles, [f"title {n}" for n in range(10, 20, 2)])
    same(Thread.count("forum 1"), 30)
    back = Thread.query("forum 1", scan_index_forward=False, limit=3, page_size=2)
    same([thread.views for thread in back], [59, 57, 55])
    same(
        len(list(Thread.query("forum 1", filter_condition=(Thread.views > 50) | (Thread.subject == "red"), page_size=4))),
        10 + 5 - 2,
    )
    pages = Thread.query("forum 0", page_size=7, limit=10)
    same(len(list(pages)), 10)
    again = Thread.query("forum 0", last_evaluated_key=pages.last_evaluated_key)
    same(len(list(again)), 20)
    same([thread.views for thread in Thread.by_views.query("forum 0", Thread.views < 10, consistent_read=True)], [0, 2, 4, 6, 8])
    end = time.monotonic() + 20
    while Thread.by_subject.count("red") < 20:
        assert time.monotonic() < end, "the index does not follow"
        time.sleep(0.05)
    red = list(Thread.by_subject.query("red", Thread.views >= 30, scan_index_forward=False, page_size=3))
    same([thread.views for thread in red], list(range(57, 29, -3)))
    same(red[0].title, "title 57")
    scanned = Thread.scan(Thread.forum.startswith("forum"), attributes_to_get=["title"], page_size=11)
    same(len({thread.title for thread in scanned}), 60)
    parts = [len(list(Thread.scan(segment=segment, total_segments=3))) for segment in range(3)]
    same(sum(parts), 61, str(parts))
    keys = [("forum 0", f"title {n:02}") for n in range(0, 60, 2)] + [("forum 0", "none")]
    same(len(list(Thread.batch_get(keys, consistent_read=True))), 30)
    with Thread.batch_write() as batch:
        for thread in Thread.query("forum 1"):
            batch.delete(thread)
    same(Thread.count("forum 1"), 0)


@check
def errors():
    raises(PutError, Nowhere("a").save, "ResourceNotFoundException")
    raises(PutError, Thread("", "empty").save, "ValidationException")
    raises(PutError, Thread("large", "x", subject="s", body=b"x" * 410_000).save, "ValidationException")


def transactions():
    connection = Connection(REGION, HOST)
    with TransactWrite(connection=connection) as transaction:
        transaction.save(Thread("tx", "a", views=1))
        transaction.save(Thread("tx", "b", views=2))
    with TransactGet(connection=connection) as transaction:
        futures = [transaction.get(Thread, "tx", title) for title in ["a", "b"]]
    same([future.get().views for future in futures], [1, 2])

    def cancelled():
        with TransactWrite(connection=connection) as transaction:
            transaction.delete(Thread("tx", "a"))
            transaction.condition_check(Thread, "tx", "b", condition=Thread.views == 3)

    error = raises(TransactWriteError, cancelled, "TransactionCanceledException")
    # It sends checks before deletions.
    same([reason and reason.code for reason in error.cancellation_reasons], ["ConditionalCheckFailed", None])


if os.environ.get("FLYWHEEL_TRANSACTIONS") == "1":
    check(transactions)


@check
def delete_tables():
    Thread.delete_table()
    Versioned.delete_table()
    end = time.monotonic() + 20
    while Thread.exists() or Versioned.exists():
        assert time.monotonic() < end, "the tables are still there"
        time.sleep(0.05)


def main():
    print(f"PynamoDB {pynamodb.__version__}, {len(checks)} checks")
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
