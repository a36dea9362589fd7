package import Everyline

/// What a server can be told: where it listens, and its limits.
package struct ServerConfiguration: Sendable {
    package var host: String
    /// 0 lets the system choose.
    package var port: Int
    /// Certificate chain and private key as PEM files; none means plain HTTP.
    package var tls: TLSFiles?
    /// How clients reach the server, if that isn't what their `Host` header says: `https://logs.example.com`.
    package var publicURL: String?
    /// Origins beside the server's own from which a browser may open a stream.
    package var origins = PageOrigins([])
    package var limits = Limits()

    package struct TLSFiles: Sendable {
        package var certificate: String
        package var privateKey: String

        package init(certificate: String, privateKey: String) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    /// The limits of what comes from outside and of what is held for it. Times are from the last progress.
    package struct Limits: Sendable {
        /// A line of output. Beyond it a line is cut into `partial` events.
        package var line: ByteCount = LineCutter.defaultLimit
        /// The body of an append. Beyond it: 413.
        package var appendBody: ByteCount = .mebibytes(8)
        /// The bodies of all requests that are in memory. Beyond it a request waits, and after a while: 503.
        package var bodies: ByteCount = .mebibytes(256)
        /// What was sent and waits in this process to be read by viewers and downloads, all together. Beyond it the one
        /// that is furthest behind is closed, a viewer with 1013.
        package var unread: ByteCount = .mebibytes(512)
        /// Any other request's body. Beyond it: 413.
        package var requestBody: ByteCount = .kibibytes(256)
        /// A frame to a viewer, cut at event boundaries.
        package var frame: ByteCount = .mebibytes(1)
        /// How much one step of a tail reads.
        package var read: ByteCount = .kibibytes(256)
        /// The head of a request in all. Beyond it: 431.
        package var requestHead: ByteCount = .kibibytes(32)
        /// Between two requests.
        package var idleConnection: Duration = .seconds(60)
        /// From connecting to a whole request head, and from the first byte of each further one.
        package var firstRequest: Duration = .seconds(10)
        /// For a request's body to arrive. Beyond it: 408.
        package var bodyTime: Duration = .seconds(60)
        /// For a client to read the answer to a request that it is still sending.
        package var lingering: Duration = .seconds(2)
        /// How much of such a request is still read as one, so that its connection can be used again.
        package var answeredRequest: ByteCount = .kibibytes(64)
        /// How much more of it is thrown away as it comes, so that its sender gets to read the answer.
        package var lingeringBytes: ByteCount = .mebibytes(16)
        /// How many reads and messages of a viewer's stream are handled in a second: it has nothing to say.
        package var inboundRate = 100
        /// A viewer that doesn't read. Beyond it: closed with 1013.
        package var stalledViewer: Duration = .seconds(60)
        /// The silence after which a viewer gets a heartbeat, at the most.
        package var heartbeat: Duration = .seconds(10)
        /// How long a stream's URL may be used.
        package var streamToken: Duration = .seconds(24 * 60 * 60)
        package var connections = 20_000
        package var viewersPerKey = 10_000
        /// The streams that are open in all. Beyond it: 503.
        package var viewers = 20_000
        /// How long a producer that asks whether it should stop waits for the answer.
        package var control: Duration = .seconds(20)
        /// After how many seconds it should ask again, where no question may wait: each is answered at once then.
        package var controlPoll: Int?
        /// When a stop ends the log of an external producer without it.
        package var stopPatience = StopPatience()
        /// How long nothing was heard of an external producer, before its execution is ended as `producer_lost`; `nil`:
        /// never.
        package var lostProducer: Duration? = .seconds(7 * 24 * 60 * 60)
        /// How many executions a list gives at the most.
        package var listPage = 1000
        /// After how many bytes a list's page ends, with its next cursor.
        package var listBytes: ByteCount = .mebibytes(1)
        /// How many events a page of a log gives at the most.
        package var logPage = 100_000
        /// How many bytes of an ended log one answer holds; all that was asked for if `nil`. An answer that holds less
        /// says where the rest begins, and is given only to a client that has said that it goes on there (`limit=`,
        /// `parts`).
        package var logAnswer: ByteCount?

        package init() {}
    }

    package init(host: String = "127.0.0.1", port: Int = 7070) {
        self.host = host
        self.port = port
    }
}
