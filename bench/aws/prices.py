"""What calls cost: list prices of us-east-1 in US dollars. Where each was found stands in `scale.py`; AWS's own price pages are what
counts."""

import math

SQS_FIFO_REQUEST = 0.50 / 1e6  # a request, and each 64 KiB of it
SQS_REQUEST = 0.40 / 1e6  # of a standard queue
HTTP_REQUEST = 1.00 / 1e6  # an HTTP API's
LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_SECOND = 0.0000166667
DYNAMODB_WRITE = 0.625 / 1e6  # 1 KiB; twice that in a transaction
DYNAMODB_READ = 0.125 / 1e6  # 4 KiB, consistent
DYNAMODB_GB_MONTH = 0.25
WEBSOCKET_MESSAGE = 1.00 / 1e6  # 32 KiB
WEBSOCKET_MINUTE = 0.25 / 1e6  # a connection's
CLOUDWATCH_GB = 0.50  # taking it in
CLOUDWATCH_GB_MONTH = 0.03  # of what is stored, compressed
ALARM_MONTH = 0.10


def chunks(size, unit):
    return max(1, math.ceil(size / unit))


def invocation(seconds=0.05, gigabytes=0.25):
    return LAMBDA_REQUEST + seconds * gigabytes * LAMBDA_GB_SECOND
