"""The deployed form as an attacker sees it: two users with an execution each, every kind of secret that is no good, and the
events that API Gateway makes of what is sent to it, made by hand, so that nothing in front of the functions cleans them up."""

import base64
import hashlib
import json
import secrets
import time
from urllib.parse import parse_qsl

from attacks import wrong_keys, wrong_tokens
from viewer import Viewer


class Answer:
    def __init__(self, answer):
        self.status = answer["statusCode"]
        self.headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
        body = answer.get("body") or ""
        self.body = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()


class World:
    def __init__(self, cloud):
        self.cloud, self.used = cloud, []
        self.alice, self.bob = self.make_key("alice", "developer"), self.make_key("bob", "developer")
        self.viewer, revoked = self.make_key("eve", "viewer"), self.make_key("mallory", "admin")
        self.id, self.append_token = self.register(self.alice)
        self.other, self.other_append_token = self.register(self.bob)
        self.append(self.id, self.append_token, "one", "two")
        self.append(self.other, self.other_append_token, "other")
        self.token, other_token = self.stream_token(self.id, self.alice), self.stream_token(self.other, self.bob)
        revoked_token = self.stream_token(self.id, revoked)
        id = next(k["id"] for k in self.json("GET", "/api/v1/keys")["keys"] if k["user"] == "mallory")
        assert self.ask("DELETE", f"/api/v1/keys/{id}").status == 204
        self.keys = wrong_keys(cloud.key, revoked, self.token, self.append_token)
        self.tokens = wrong_tokens(self.token, other_token, revoked_token, self.alice, self.append_token)
        self.used += [cloud.key, revoked, self.append_token, self.other_append_token, self.token, other_token, revoked_token]

    # MARK: What one may do

    def make_key(self, user, role):
        key = self.json("POST", "/api/v1/keys", {"user": user, "role": role})["key"]
        self.used.append(key)
        return key

    def register(self, key):
        answer = self.json("POST", "/api/v1/executions", {"command": ["a", "producer"]}, key=key)
        return answer["execution_id"], answer["append_token"]

    def append(self, id, token, *messages, after=0, end=None):
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        events += [{"timestamp": now, "type": "end", "status": end, "exit_code": 0}] if end else []
        body = "".join(json.dumps(event) + "\n" for event in events)
        answer = self.ask("POST", f"/api/v1/executions/{id}/events?after={after}", body, key=token, type="application/x-ndjson")
        assert answer.status == 200, answer.body

    def stream_url(self, id, key):
        return self.json("GET", f"/api/v1/executions/{id}/logs", key=key)["websocket_url"]

    def stream_token(self, id, key):
        return self.stream_url(id, key).split("token=")[1].split("&")[0]

    def expire(self, token):
        """Lets a token's time be over, without the database's having removed it."""
        hash = hashlib.sha256(token.encode()).hexdigest()
        self.cloud.dynamodb.update_item(
            TableName=self.cloud.table, Key={"pk": {"S": f"T#{hash[0]}"}, "sk": {"S": hash}},
            UpdateExpression="SET expires_ms = :then", ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":then": {"N": str(int(time.time() * 1000) - 1)}})

    # MARK: What the gateway brings

    def ask(self, method, target, body=None, key=None, type="application/json", headers=()):
        """A request to the HTTP API. A key of None is the administrator's."""
        path, _, query = target.partition("?")
        key = self.cloud.key if key is None else key
        fields = {"host": "api.example", "content-type": type, **({"authorization": f"Bearer {key}"} if key else {}), **dict(headers)}
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        raw = isinstance(body, bytes)
        return Answer(self.cloud.invoke("Api", {
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": fields,
            "requestContext": {"requestId": secrets.token_hex(8), "domainName": "api.example", "stage": "$default",
                               "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
            "body": base64.b64encode(body).decode() if raw else body, "isBase64Encoded": raw}))

    def json(self, *arguments, **options):
        answer = self.ask(*arguments, **options)
        assert 200 <= answer.status < 300, (answer.status, answer.body)
        return json.loads(answer.body)

    def connect(self, query, headers=(), id=None):
        """`$connect`, with what the gateway makes of a query: its names and values decoded, of several the last."""
        return self.event("CONNECT", id or self.new_connection(), headers=dict(headers),
                          queryStringParameters=dict(parse_qsl(query, keep_blank_values=True)) or None)["statusCode"]

    def say(self, connection, text):
        return self.event("MESSAGE", connection, body=text)["statusCode"]

    def event(self, kind, connection, **more):
        route = {"CONNECT": "$connect", "MESSAGE": "$default", "DISCONNECT": "$disconnect"}[kind]
        return self.cloud.invoke("Connection", {
            "requestContext": {"routeKey": route, "eventType": kind, "connectionId": connection, "stage": "live",
                               "connectedAt": int(time.time() * 1000), "requestId": secrets.token_hex(8)},
            "isBase64Encoded": False, **more})

    @staticmethod
    def new_connection():
        return base64.b64encode(secrets.token_bytes(11)).decode()

    # MARK: What is there

    def records(self, id):
        """All that is kept of an execution."""
        items = self.cloud.dynamodb.query(
            TableName=self.cloud.table, ConsistentRead=True, KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"E#{id}"}})["Items"]
        return {item["sk"]["S"]: item for item in items}

    def log(self, id):
        """What is kept of its log, without its viewers."""
        return {name: item for name, item in self.records(id).items() if not name.startswith("M#")}

    def connection(self, id, connection):
        item = self.cloud.dynamodb.get_item(
            TableName=self.cloud.table, ConsistentRead=True,
            Key={"pk": {"S": f"C#{connection}"}, "sk": {"S": "CONNECTION"}}).get("Item")
        return item if item and item["execution_id"]["S"] == id else None

    def check(self):
        """It serves as before: the log is what it was, and a viewer gets it."""
        assert self.ask("GET", "/healthz").status == 200
        execution = Stranger(self.id)
        viewer = Viewer(execution, url=self.stream_url(self.id, self.alice)).wait_for(2)
        assert viewer.messages == ["one", "two"]
        viewer.close()
        log = self.records(self.id)
        assert log["META"]["head_offset"]["N"] == "2", log["META"]


class Stranger:
    """An execution of which a viewer knows nothing but its id."""

    def __init__(self, id):
        self.id = id
