import Glibc
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

    /// From an append's body to its commit.
    let appendTimes = DurationHistogram()
    /// From reading what comes next to the moment when the viewer's WebSocket has taken it.
    let deliveryTimes = DurationHistogram()
    private let startedAt = ServerMetrics.seconds(of: CLOCK_REALTIME)

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
    ///
    /// - Parameter storage: where there is a disk to watch.
    func page(followedLogs: Int, unread: UnreadBudget, storage: (StorageWatch, StorageWatch.Figures)?) -> String {
        var page = ""
        func add(_ name: String, _ kind: String, _ help: String, _ value: any CustomStringConvertible) {
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
            "everyline_streams_stalled_total", "counter", "Viewers' connections closed because the viewer didn't read.",
            stalled.load(ordering: .relaxed))
        add(
            "everyline_unread_bytes", "gauge", "Bytes of large answers and of streams that wait for clients to read.",
            unread.total)
        add(
            "everyline_unread_closed_total", "counter",
            "Clients that were hung up on because more waited for all clients than may.", unread.closed)
        add("everyline_followed_logs", "gauge", "Logs that have a viewer.", followedLogs)
        page += appendTimes.page("everyline_append_seconds", "From an append's body to its commit.")
        page += deliveryTimes.page(
            "everyline_delivery_seconds", "From reading what comes next to a WebSocket viewer having taken it.")
        if let (watch, figures) = storage {
            addStorage(watch, figures, add)
            page += Self.executions(figures.executions)
        }
        add(
            "process_cpu_seconds_total", "counter", "Processor time of the server.",
            Self.seconds(of: CLOCK_PROCESS_CPUTIME_ID))
        add("process_start_time_seconds", "gauge", "When the server started, since the epoch.", startedAt)
        page += "# HELP everyline_http_requests_total Requests by method, route and status.\n"
        page += "# TYPE everyline_http_requests_total counter\n"
        let counted = requests.withLock { $0 }
        for (key, count) in counted.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }) {
            let labels = "method=\"\(key.method)\",route=\"\(key.route)\",status=\"\(key.status)\""
            page += "everyline_http_requests_total{\(labels)} \(count)\n"
        }
        return page
    }

    private func addStorage(
        _ watch: StorageWatch, _ figures: StorageWatch.Figures,
        _ add: (String, String, String, any CustomStringConvertible) -> Void
    ) {
        add("everyline_database_bytes", "gauge", "What the database's files take on the disk.", figures.databaseBytes)
        add("everyline_spool_bytes", "gauge", "What runners' files take on the disk.", figures.spoolBytes)
        if let free = watch.places.free {
            add("everyline_disk_free_bytes", "gauge", "What is left on the disk that has the least room.", free)
        }
        add(
            "everyline_retention_seconds", "gauge", "How long executions are kept after their end; 0 for ever.",
            watch.retentionAge.map { $0 / .seconds(1) } ?? 0)
        add(
            "everyline_retention_bytes", "gauge", "How many bytes of events are kept; 0 for any number.",
            watch.retentionSize ?? 0)
        add("process_open_fds", "gauge", "Files and connections that the server has open.", figures.openFiles)
    }

    private static func executions(_ groups: [StorageWatch.Count]) -> String {
        var page = "# HELP everyline_executions Executions that are stored, by status and reason of their end.\n"
        page += "# TYPE everyline_executions gauge\n"
        for group in groups {
            page += "everyline_executions{status=\"\(group.status)\",reason=\"\(group.reason)\"} \(group.count)\n"
        }
        return page
    }

    private static func seconds(of clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }
}
