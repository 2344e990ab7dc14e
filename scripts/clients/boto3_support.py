"""What the programs for boto3 share: the table, clients, and how something is checked. No checks."""

import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

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
