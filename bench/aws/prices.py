"""What calls cost: list prices of us-east-1 in US dollars, as known at the end of 2025. Check them before you rely on them."""

import math

SQS_FIFO_REQUEST = 0.50 / 1e6  # a request, and each 64 KiB of it
LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_SECOND = 0.0000166667
DYNAMODB_WRITE = 0.625 / 1e6  # 1 KiB; twice that in a transaction
DYNAMODB_READ = 0.125 / 1e6  # 4 KiB, consistent
WEBSOCKET_MESSAGE = 1.00 / 1e6  # 32 KiB
CLOUDWATCH_GB = 0.50  # taking it in; storing it is 0.03 a month, compressed


def chunks(size, unit):
    return max(1, math.ceil(size / unit))
