"""Every request that Everyline sends to AWS, held against AWS's own models and signer (botocore).

`swift test` writes the requests to the file that EVERYLINE_AWS_REQUESTS names: one of each form of each operation, and
random ones with everything in them that is difficult to encode.
"""

import base64
import hashlib
import json
import os
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.serialize import create_serializer
from botocore.session import Session
from botocore.validate import ParamValidator

RECORDS = json.load(open(os.environ["EVERYLINE_AWS_REQUESTS"]))
OPERATIONS = [record for record in RECORDS if record["kind"] == "operation"]
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "T/+=")
MODELS = {
    "dynamodb": "dynamodb", "sqs": "sqs", "logs": "logs", "ecs": "ecs", "lambda": "lambda",
    "execute-api": "apigatewaymanagementapi", "servicequotas": "service-quotas", "cloudformation": "cloudformation", "ec2": "ec2",
    "sts": "sts", "iam": "iam", "s3": "s3"}
CONNECTION_OPERATIONS = {"POST": "PostToConnection", "DELETE": "DeleteConnection", "GET": "GetConnection"}
JSON_SERVICES = {"dynamodb", "sqs", "logs", "ecs", "servicequotas"}
QUERY_SERVICES = {"cloudformation", "ec2", "sts", "iam"}
S3_OPERATIONS = {
    ("HEAD", 1, ""): "HeadBucket", ("PUT", 1, ""): "CreateBucket", ("PUT", 1, "publicAccessBlock="): "PutPublicAccessBlock",
    ("DELETE", 1, ""): "DeleteBucket", ("HEAD", 2, ""): "HeadObject", ("PUT", 2, ""): "PutObject", ("DELETE", 2, ""): "DeleteObject",
    ("GET", 1, "list-type=2&prefix=everyline%2F"): "ListObjectsV2"}
LAMBDA_OPERATIONS = {"configuration": "GetFunctionConfiguration", "event-source-mappings": "ListEventSourceMappings",
                     "account-settings": "GetAccountSettings", "invocations": "Invoke"}
NEEDED = {
    "dynamodb": {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "TransactWriteItems",
                 "DescribeTable", "DescribeTimeToLive"},
    "sqs": {"SendMessage", "SendMessageBatch", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"},
    "logs": {"FilterLogEvents", "DescribeLogGroups", "DescribeSubscriptionFilters"},
    "ecs": {"RunTask", "StopTask", "ListTasks", "DescribeTasks", "DescribeTaskDefinition",
            "RegisterTaskDefinition", "DeregisterTaskDefinition"},
    "lambda": set(LAMBDA_OPERATIONS.values()),
    "servicequotas": {"GetServiceQuota", "GetAWSDefaultServiceQuota"},
    "cloudformation": {"DescribeStacks", "CreateStack", "UpdateStack", "DeleteStack", "GetTemplateSummary",
                       "DescribeStackResources", "DescribeStackEvents"},
    "ec2": {"DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups"},
    "sts": {"GetCallerIdentity"},
    "iam": {"GetRole", "CreateRole", "PutRolePolicy", "DeleteRolePolicy", "DeleteRole"},
    "s3": set(S3_OPERATIONS.values()),
    "execute-api": {"PostToConnection", "DeleteConnection", "GetConnection"},
}


def header(record, name):
    values = [value for key, value in record["headers"] if key.lower() == name.lower()]
    assert len(values) <= 1, f"{name} is there more than once"
    return values[0] if values else None


def body(record):
    return base64.b64decode(record["body"])


def operation(record):
    if record["service"] == "execute-api":
        return CONNECTION_OPERATIONS[record["method"]]
    url = urlsplit(record["url"])
    if record["service"] == "lambda":
        return LAMBDA_OPERATIONS[url.path.split("/")[-1]]
    if record["service"] == "s3":
        return S3_OPERATIONS[record["method"], min(url.path.count("/"), 2), url.query]
    if record["service"] in QUERY_SERVICES:
        return parse_qs(body(record).decode())["Action"][0]
    return header(record, "X-Amz-Target").split(".")[1]


def describe(record):
    return f"{record['service']}.{operation(record)}" if record["kind"] == "operation" else record["url"]


def model(record):
    service = Session().get_service_model(MODELS[record["service"]])
    return service, service.operation_model(operation(record))


def parameters(value, shape):
    """What botocore would have been called with for this JSON; what the model doesn't know is left as it is."""
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        return {name: parameters(part, shape.members.get(name)) for name, part in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [parameters(part, shape.member) for part in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: parameters(part, shape.value) for name, part in value.items()}
    if shape.type_name == "blob" and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    return value


def test_every_operation_is_here():
    found = {}
    for record in OPERATIONS:
        found.setdefault(record["service"], set()).add(operation(record))
    assert found == NEEDED


@pytest.mark.parametrize("record", [r for r in OPERATIONS if r["service"] in JSON_SERVICES], ids=describe)
def test_a_request_is_what_the_services_model_makes_of_it(record):
    service, operation_model = model(record)
    sent = json.loads(body(record))
    given = parameters(sent, operation_model.input_shape)
    report = ParamValidator().validate(given, operation_model.input_shape)
    assert not report.has_errors(), report.generate_report()
    serialized = create_serializer("json").serialize_to_request(given, operation_model)
    assert sent == json.loads(serialized["body"])
    assert record["method"] == serialized["method"]
    assert urlsplit(record["url"]).path == serialized["url_path"]
    assert header(record, "X-Amz-Target") == serialized["headers"]["X-Amz-Target"]
    assert header(record, "Content-Type") == serialized["headers"]["Content-Type"]
    prefix = service.endpoint_prefix
    assert urlsplit(record["url"]).netloc == f"{prefix}.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("record", [r for r in OPERATIONS if r["service"] == "execute-api"], ids=describe)
def test_a_connections_request_is_what_its_model_makes_of_it(record):
    _, operation_model = model(record)
    given = {"ConnectionId": unquote(urlsplit(record["url"]).path.split("/")[-1])}
    if record["method"] == "POST":
        given["Data"] = body(record)
    report = ParamValidator().validate(given, operation_model.input_shape)
    assert not report.has_errors(), report.generate_report()
    serialized = create_serializer("rest-json").serialize_to_request(given, operation_model)
    assert record["method"] == serialized["method"]
    assert urlsplit(record["url"]).path == "/production" + serialized["url_path"]
    assert body(record) == (serialized["body"] or b"")


@pytest.mark.parametrize("record", [r for r in OPERATIONS if r["service"] == "lambda"], ids=describe)
def test_a_functions_request_is_what_its_model_makes_of_it(record):
    _, operation_model = model(record)
    url = urlsplit(record["url"])
    given = dict(parse_qsl(url.query))
    if "/functions/" in url.path:
        given["FunctionName"] = url.path.split("/")[-2]
    if record["method"] == "POST":
        given["Payload"] = body(record)
    report = ParamValidator().validate(given, operation_model.input_shape)
    assert not report.has_errors(), report.generate_report()
    serialized = create_serializer("rest-json").serialize_to_request(given, operation_model)
    assert record["method"] == serialized["method"]
    assert url.path == serialized["url_path"]
    assert dict(parse_qsl(url.query)) == serialized["query_string"]
    assert body(record) == (serialized["body"] or b"")


def from_form(form, shape, name, is_ec2):
    """What botocore would have been called with for this form; None for what isn't there."""
    if shape.type_name == "structure":
        parts = {}
        for member, inner in shape.members.items():
            key = inner.serialization.get("queryName") if is_ec2 else None
            key = key or inner.serialization.get("name", member)
            key = key[0].upper() + key[1:] if is_ec2 else key
            parts[member] = from_form(form, inner, f"{name}.{key}" if name else key, is_ec2)
        parts = {member: part for member, part in parts.items() if part is not None}
        return parts or (None if name else {})
    if shape.type_name == "list":
        prefix = name if is_ec2 else f"{name}.member"
        found = []
        while (part := from_form(form, shape.member, f"{prefix}.{len(found) + 1}", is_ec2)) is not None:
            found.append(part)
        return found or None
    value = form.get(name)
    return value == "true" if value is not None and shape.type_name == "boolean" else value


@pytest.mark.parametrize("record", [r for r in OPERATIONS if r["service"] in QUERY_SERVICES], ids=describe)
def test_a_form_is_what_its_services_model_makes_of_it(record):
    service, operation_model = model(record)
    form = dict(parse_qsl(body(record).decode(), keep_blank_values=True, strict_parsing=True))
    shape, is_ec2 = operation_model.input_shape, record["service"] == "ec2"
    given = from_form(form, shape, "", is_ec2) if shape else {}
    report = ParamValidator().validate(given, shape) if shape else None
    assert not report or not report.has_errors(), report.generate_report()
    serialized = create_serializer("ec2" if is_ec2 else "query").serialize_to_request(given, operation_model)
    assert form == {name: str(value) for name, value in serialized["body"].items()}
    assert (record["method"], urlsplit(record["url"]).path) == (serialized["method"], serialized["url_path"])
    region = "" if record["service"] == "iam" else ".eu-central-1"
    assert urlsplit(record["url"]).netloc == f"{service.endpoint_prefix}{region}.amazonaws.com"


@pytest.mark.parametrize("record", [r for r in OPERATIONS if r["service"] == "s3"], ids=describe)
def test_a_request_of_a_bucket_is_what_its_model_makes_of_it(record):
    _, operation_model = model(record)
    url, name = urlsplit(record["url"]), operation(record)
    bucket, _, key = url.path[1:].partition("/")
    given = {"Bucket": bucket, **({"Key": key} if key else {})}
    if name != "CreateBucket":
        given["ExpectedBucketOwner"] = header(record, "X-Amz-Expected-Bucket-Owner")
    if name == "CreateBucket":
        given["CreateBucketConfiguration"] = {"LocationConstraint": "eu-central-1"}
    if name == "PutPublicAccessBlock":
        given["PublicAccessBlockConfiguration"] = dict.fromkeys(
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
    if name == "PutObject":
        given["Body"] = body(record)
    if name == "ListObjectsV2":
        given["Prefix"] = "everyline/"
    report = ParamValidator().validate(given, operation_model.input_shape)
    assert not report.has_errors(), report.generate_report()
    serialized = create_serializer("rest-xml").serialize_to_request(given, operation_model)
    assert record["method"] == serialized["method"] and body(record) == (serialized["body"] or b"")
    path, _, query = serialized["url_path"].partition("?")
    # Botocore has the bucket in the path until it moves it into the host's name.
    assert url.path in (f"/{bucket}{path}", path)
    wanted = dict(parse_qsl(query, keep_blank_values=True)) | serialized["query_string"]
    assert dict(parse_qsl(url.query, keep_blank_values=True)) == wanted
    assert header(record, "X-Amz-Content-Sha256") == hashlib.sha256(body(record)).hexdigest()


@pytest.mark.parametrize("record", RECORDS, ids=describe)
def test_a_signature_is_the_one_that_botocore_makes(record):
    headers = [(name, value) for name, value in record["headers"] if name.lower() != "authorization"]
    request = AWSRequest(method=record["method"], url=record["url"], headers=dict(headers), data=body(record))
    request.context["timestamp"] = header(record, "X-Amz-Date")
    signer = SigV4Auth(CREDENTIALS, record["service"], record["region"])
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    scope = signer.credential_scope(request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    assert header(record, "Authorization") == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}")
