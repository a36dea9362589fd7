public import Everyline

extension EverylineClient {
    /// What a client is told: where the server is, who asks, and the bounds of its waiting and reading.
    public struct Configuration: Sendable {
        public var address: ServerAddress
        /// The API key. A producer that has only an append token needs none.
        public var credential: Credential?
        /// A PEM file of certificates that are trusted beside the system's.
        public var caFile: String?
        /// From sending a request to the last byte of its answer. Downloads and tails have no such end.
        public var requestTimeout: Duration = .seconds(30)
        /// For a connection to be made.
        public var connectTimeout: Duration = .seconds(10)
        /// The longest silence within an answer, also of a download; and for how long its reader may leave it unread.
        public var silenceLimit: Duration = .seconds(60)
        /// The largest answer that is taken as a whole. Downloads and tails are read piece by piece.
        public var answerLimit: ByteCount = .mebibytes(8)
        public var userAgent = "everyline-swift"

        public init(address: ServerAddress, credential: Credential? = nil, caFile: String? = nil) {
            self.address = address
            self.credential = credential
            self.caFile = caFile
        }
    }
}
