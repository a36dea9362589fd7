import AsyncHTTPClient
import Everyline
import EverylineClient
import EverylineWebSocket
import NIOCore
import NIOHTTP1

/// A viewer's way to the log, with its own proxy in between and everything that comes counted.
struct ViewerEndpoint: Sendable {
    let client: EverylineClient
    let execution: ExecutionID
    let form: ViewerForm
    let options: ResumptionOptions
    let proxy: FaultyProxy
    let proxyPort: Int
    /// For server-sent events. It finds every host at this machine, where the proxy is.
    let http: HTTPClient
    let stats: DeliveryStats

    var endpoint: TailEndpoint {
        let direct = client.endpoint(of: execution, options: options, by: route)
        return TailEndpoint(
            locate: { start, known in
                switch try await direct.locate(start, known) {
                case .download(let connection, let incarnation):
                    return .download(
                        recorded(connection, from: start, isBehindGateway: false), in: incarnation)
                case .stream(let url, let incarnation):
                    return .stream(
                        form == .serverSentEvents ? try await eventStream() ?? url : url, in: incarnation)
                }
            },
            open: { url, start, incarnation in
                let isBehindGateway = StreamGateway.start(of: url) != nil
                let connection =
                    switch form {
                    case _ where isBehindGateway: try await direct.open(url, start, incarnation)
                    case .blocks, .compressedBlocks: try await direct.open(url, start, incarnation)
                    case .lines: try await openLines(url, start)
                    case .serverSentEvents: try await openEventStream(url, start)
                    }
                return recorded(connection, from: start, isBehindGateway: isBehindGateway)
            },
            state: direct.state)
    }

    private var route: StreamRoute {
        var route = StreamRoute()
        route.relay = { host, port in
            proxy.forward(to: host, port: port)
            return proxyPort
        }
        route.asksForBlocks = form != .lines
        route.compression = form == .compressedBlocks
        return route
    }

    private func recorded(
        _ connection: any TailConnection, from start: StreamStart, isBehindGateway: Bool
    ) -> RecordingConnection {
        RecordingConnection(connection, from: start, allowsRepeats: isBehindGateway, stats: stats)
    }

    private func openLines(_ url: String, _ start: StreamStart) async throws -> any TailConnection {
        LinesTailConnection(try await client.openStream(at: url, from: start, options: options, by: route))
    }

    /// Where the log's server-sent events are; `nil` if it has ended meanwhile or the server has none.
    private func eventStream() async throws -> String? {
        do {
            guard case .running(let location) = try await client.log(of: execution) else { return nil }
            return location.streamURL
        } catch let error as APIError {
            throw TailFailure.refused(error)
        } catch let error as ClientError {
            throw TailFailure.unreachable(error.description)
        }
    }

    private func openEventStream(_ url: String, _ start: StreamStart) async throws -> any TailConnection {
        // A log that ended while the viewer asked has no events to send, but a stream of blocks.
        guard !url.hasPrefix("ws") else {
            return WebSocketTailConnection(
                try await client.openStream(at: url, from: start, options: options, by: route))
        }
        guard let place = try? WebSocketURL(url), case .after(let offset) = start else {
            throw TailFailure.unusable("the server's stream_url can't be used")
        }
        proxy.forward(to: place.host, port: place.port)
        let origin = place.isSecure ? "https://\(place.host)" : "http://127.0.0.1"
        var request = HTTPClientRequest(url: "\(origin):\(proxyPort)\(place.target)")
        request.headers = ["Host": place.authority, "Accept": "text/event-stream"]
        // What a browser says of itself when it comes back.
        if offset > .zero { request.headers.add(name: "Last-Event-ID", value: "\(offset)") }
        do {
            let response = try await http.execute(request, deadline: .distantFuture)
            guard (200..<300).contains(response.status.code) else {
                throw TailFailure.refused(
                    APIError(status: Int(response.status.code), code: "", detail: response.status.reasonPhrase))
            }
            return EventStreamTailConnection(response.body)
        } catch let failure as TailFailure {
            throw failure
        } catch {
            try Task.checkCancellation()
            throw TailFailure.unreachable("\(error)")
        }
    }
}

/// How a viewer speaks with the server.
enum ViewerForm: Sendable {
    case blocks
    case compressedBlocks
    case lines
    case serverSentEvents

    /// Of ten viewers six ask for blocks, two for compressed ones, one for single lines and one for server-sent events.
    init(ofViewer number: Int) {
        self =
            switch number % 10 {
            case 2: .serverSentEvents
            case 3: .lines
            case 4, 9: .compressedBlocks
            default: .blocks
            }
    }
}
