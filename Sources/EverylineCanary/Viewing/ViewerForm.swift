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
