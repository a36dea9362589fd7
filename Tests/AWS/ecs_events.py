"""What ECS tells EventBridge of a task that has stopped: with every field of the example in ECS's developer guide ("Amazon ECS
task state change events"), so that a reader has to find its own among them."""

import secrets
import time


def stopped(task, cluster, definition, started_by, exit_code=0, **more):
    """The event's detail. `task` and the others are ARNs; an exit code of None is a container that never said one."""
    prefix, id = task.rsplit(":", 1)[0], task.split("/")[-1]
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    network = {"attachmentId": secrets.token_hex(8), "privateIpv4Address": "10.0.0.5"}
    container = {
        "containerArn": f"{prefix}:container/{cluster.split('/')[-1]}/{id}/{secrets.token_hex(8)}", "lastStatus": "STOPPED",
        "name": "command", "image": "debian", "imageDigest": "sha256:" + secrets.token_hex(32),
        "runtimeId": f"{id}-{secrets.randbelow(10 ** 9)}", "taskArn": task, "networkInterfaces": [network], "cpu": "0"}
    return {
        "attachments": [{"id": network["attachmentId"], "type": "eni", "status": "DELETED", "details": []}],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": "us-east-1b", "clusterArn": cluster, "connectivity": "CONNECTED", "connectivityAt": now,
        "containers": [container if exit_code is None else {**container, "exitCode": exit_code}],
        "cpu": "256", "createdAt": now, "desiredStatus": "STOPPED", "enableExecuteCommand": False,
        "ephemeralStorage": {"sizeInGiB": 20}, "executionStoppedAt": now, "group": "family:command",
        "launchType": "FARGATE", "lastStatus": "STOPPED", "memory": "512",
        "overrides": {"containerOverrides": [{"name": "command"}]}, "platformVersion": "1.4.0",
        "pullStartedAt": now, "pullStoppedAt": now, "startedAt": now, "startedBy": started_by, "stoppingAt": now,
        "stoppedAt": now, "stoppedReason": "Essential container in task exited", "stopCode": "EssentialContainerExited",
        "taskArn": task, "taskDefinitionArn": definition, "updatedAt": now, "version": 6, **more}
