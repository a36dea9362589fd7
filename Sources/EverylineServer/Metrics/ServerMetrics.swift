import Synchronization

/// The server's counters, in Prometheus' text format (version 0.0.4) when asked.
package final class ServerMetrics: Sendable {
    private struct Request: Hashable {
        let method: String
        let route: String
        let status: Int
    }

    /// Methods and routes are ours, so the number of series is bounded; this guards the rest.
    private static let seriesLimit = 1000
    private let requests = Mutex<[Request: UInt64]>([:])
    private let appended = Atomic<UInt64>(0)
    private let appendedBytes = Atomic<UInt64>(0)
    private let delivered = Atomic<UInt64>(0)
    private let deliveredBytes = Atomic<UInt64>(0)
    private let streams = Atomic<Int>(0)
    private let streamsOpened = Atomic<UInt64>(0)
    private let stalled = Atomic<UInt64>(0)

    package init() {}

    package func countRequest(method: String, route: String, status: Int) {
        let key = Request(method: method.count > 16 ? "other" : method, route: route, status: status)
        requests.withLock { requests in
            if requests[key] != nil || requests.count < Self.seriesLimit { requests[key, default: 0] += 1 }
        }
    }

    package func countAppend(events: Int, bytes: Int) {
        appended.wrappingAdd(UInt64(events), ordering: .relaxed)
        appendedBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    package func countDelivery(events: Int, bytes: Int) {
        delivered.wrappingAdd(UInt64(events), ordering: .relaxed)
        deliveredBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    package func streamOpened() {
        streams.wrappingAdd(1, ordering: .relaxed)
        streamsOpened.wrappingAdd(1, ordering: .relaxed)
    }

    package func streamClosed(stalled isStalled: Bool) {
        streams.wrappingSubtract(1, ordering: .relaxed)
        if isStalled { stalled.wrappingAdd(1, ordering: .relaxed) }
    }

    /// The page at `/metrics`.
    func page(followedLogs: Int, unread: UnreadBudget) -> String {
        var page = ""
        func add(_ name: String, _ kind: String, _ help: String, _ value: some CustomStringConvertible) {
            page += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(value)\n"
        }
        add("everyline_events_appended_total", "counter", "Events made durable.", appended.load(ordering: .relaxed))
        add(
            "everyline_appended_bytes_total", "counter", "Bytes of encoded events made durable.",
            appendedBytes.load(ordering: .relaxed))
        add(
            "everyline_events_delivered_total", "counter", "Events handed to viewers' connections.",
            delivered.load(ordering: .relaxed))
        add(
            "everyline_delivered_bytes_total", "counter", "Bytes of events handed to viewers' connections.",
            deliveredBytes.load(ordering: .relaxed))
        add("everyline_streams", "gauge", "Viewers' connections that are open.", streams.load(ordering: .relaxed))
        add(
            "everyline_streams_opened_total", "counter", "Viewers' connections that were opened.",
            streamsOpened.load(ordering: .relaxed))
        add(
            "everyline_streams_stalled_total", "counter", "Viewers' connections closed because nobody read.",
            stalled.load(ordering: .relaxed))
        add(
            "everyline_unread_bytes", "gauge", "Bytes of large answers and of streams that wait for clients to read.",
            unread.total)
        add(
            "everyline_unread_closed_total", "counter",
            "Clients that were hung up on because more waited for all clients than may.", unread.closed)
        add("everyline_followed_logs", "gauge", "Logs that somebody follows.", followedLogs)
        page += "# HELP everyline_http_requests_total Requests by method, route and status.\n"
        page += "# TYPE everyline_http_requests_total counter\n"
        let counted = requests.withLock { $0 }
        for (key, count) in counted.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }) {
            let labels = "method=\"\(key.method)\",route=\"\(key.route)\",status=\"\(key.status)\""
            page += "everyline_http_requests_total{\(labels)} \(count)\n"
        }
        return page
    }
}
