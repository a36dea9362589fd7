"""How long a function takes from its start to its first request: what a cold start adds to Lambda's own time."""

import http.server
import os
import statistics
import subprocess
import threading
import time


def measure(binary, function="sequencer", runs=30):
    """Milliseconds from the start of the process to its first request for an event, sorted."""
    arrived = threading.Event()

    class Runtime(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.at = time.perf_counter()
            arrived.set()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_address[1]}"
    environment = {
        "PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": address, "AWS_REGION": "us-east-1",
        "EVERYLINE_FUNCTION": function, "EVERYLINE_TABLE": "t", "LogsEventsQueueURL": "http://q", "LogsEventsDeadQueueURL": "http://q", "DeliveriesQueueURL": "http://d", "ReconcileQueueURL": "http://r",
        "EVERYLINE_CONNECTIONS_URL": "http://c/live", "EVERYLINE_STREAMS_URL": "ws://c/live", "EVERYLINE_CLUSTER": "c",
        "EVERYLINE_TASK_DEFINITION": "t", "EVERYLINE_SUBNETS": "s", "EVERYLINE_SECURITY_GROUPS": "g",
        "EVERYLINE_LOG_GROUP": "g", "EVERYLINE_LOG_PREFIX": "run",
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    times = []
    for _ in range(runs):
        arrived.clear()
        started = time.perf_counter()
        process = subprocess.Popen([binary], env=environment, stderr=subprocess.DEVNULL)
        assert arrived.wait(10), "it asked for nothing"
        times.append((server.at - started) * 1000)
        process.kill()
        process.wait()
    server.shutdown()
    return sorted(times)


def table(binary):
    rows = []
    for function in ("api", "sequencer", "delivery"):
        times = measure(binary, function)
        rows.append(f"| {function} | {statistics.median(times):.1f} ms | {times[int(len(times) * 0.9)]:.1f} ms |")
    return "\n".join(["| function | start to first request, p50 | p90 |", "| --- | --- | --- |"] + rows)
