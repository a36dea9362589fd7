import Everyline
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// A log as server-sent events (WHATWG HTML, section 9.2): the id is the offset, so a browser resumes by itself.
struct EventStreamRoutes {
    let core: ServerCore
    let admission: ViewerAdmission
    let metrics: ServerMetrics
    let limits: ServerConfiguration.Limits

    func add(to router: Router<EverylineContext>) {
        router.read(RouterPath(APIPath.anyExecution(.events)), use: events)
    }

    @Sendable func events(_ request: Request, context: EverylineContext) async throws -> Response {
        let id = try context.executionID()
        var resumption: StreamStart?
        if let last = request.headers[.lastEventID] {
            guard let offset = Offset(decimal: last) else {
                throw ProblemError(.invalidCursor, "Last-Event-ID must be an offset.")
            }
            resumption = .after(offset)
        }
        let viewer = try await admission.admit(
            id, query: Query(request), origin: request.headers[.origin], authority: request.head.authority,
            resumption: resumption)
        try await viewer.requireSameIncarnation(in: core.log)
        let after = viewer.after
        let head = try await core.log.head(of: id)
        // 204 is what tells a browser that has seen the end not to come back.
        if head.isEnded, after == head.offset { return Response(status: .noContent) }
        // What is damaged is said before the answer begins: a browser that is answered with a stream comes back for
        // ever.
        if after < head.offset { _ = try await core.log.read(id, after: after, limit: 1) }
        let tail = Tail(of: id, after: after, in: core.log, feed: core.feed, limit: limits.read)
        let (metrics, paced) = (metrics, PacedBody(context: context, unread: core.resources.unread))
        let body = ResponseBody { writer in
            metrics.streamOpened()
            defer { metrics.streamClosed(stalled: false) }
            try await Self.send(tail, by: paced, to: &writer, metrics) { try viewer.place.check() }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store",
                // Without it nginx holds events back until it has some kilobytes of them.
                .accelBuffering: "no",
            ], body: body)
    }

    /// Sends until the end, or until the server is about to stop: then the client comes back with the id it saw last.
    ///
    /// - Parameter check: whether the viewer may still see what comes.
    private static func send(
        _ tail: Tail, by paced: PacedBody, to writer: inout any ResponseBodyWriter, _ metrics: ServerMetrics,
        check: @Sendable () throws -> Void
    ) async throws {
        var tail = tail
        do {
            // `retry` is in milliseconds.
            try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
            while let pieces = try await next(&tail, metrics, check: check) {
                for piece in pieces { try await paced.write(piece, to: &writer) }
            }
        } catch is CancellationError {
            return
        } catch is StreamPlace.KeyRevoked {
            return
        }
    }

    /// What is to be sent next; `nil` at the log's end, or when the server is about to stop.
    ///
    /// The blocks themselves are let go of here: a client that doesn't read holds what is sent to it, not that twice.
    private static func next(
        _ tail: inout Tail, _ metrics: ServerMetrics, check: @Sendable () throws -> Void
    ) async throws -> [ByteBuffer]? {
        let subscription = tail.subscription
        let step = try await withGracefulShutdownHandler {
            try await tail.next()
        } onGracefulShutdown: {
            subscription.end()
        }
        try check()
        switch step {
        case .blocks(let blocks):
            return blocks.map { block in
                metrics.countDelivery(events: block.count, bytes: block.bytes.readableBytes)
                return block.serverSentEvents
            }
        case .pending(let line):
            // Without an id: a browser resumes after the last event.
            var event = ByteBuffer(string: "event: pending\ndata: ")
            event.writeImmutableBuffer(line.controlLine)
            event.writeStaticString("\n\n")
            return [event]
        case .idle(let head):
            return [ByteBuffer(string: ": heartbeat \(head)\n\n")]
        case .ended:
            return nil
        }
    }
}

extension EventBlock {
    fileprivate var serverSentEvents: ByteBuffer {
        var events = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + count * 32)
        forEachLine { offset, line in
            events.writeStaticString("id: ")
            events.writeDecimal(Int64(offset.rawValue))
            events.writeStaticString("\ndata: ")
            events.writeBytes(line)
            events.writeStaticString("\n\n")
        }
        return events
    }
}
