/// One range of a `Range` header (RFC 9110, section 14.1.2).
enum ByteRange: Equatable {
    case from(Int, through: Int?)
    case last(Int)

    /// `nil` for what may be ignored: another unit, several ranges, or not a range at all.
    init?(_ header: String) {
        guard header.hasPrefix("bytes=") else { return nil }
        let parts = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return nil
        }
        switch (Int(parts[0]), Int(parts[1])) {
        case (let first?, let last?) where first <= last: self = .from(first, through: last)
        case (let first?, nil) where parts[1].isEmpty: self = .from(first, through: nil)
        case (nil, let count?) where parts[0].isEmpty: self = .last(count)
        default: return nil
        }
    }

    /// The bytes that it means of a body of this length; `nil` if none.
    func resolve(length: Int) -> Range<Int>? {
        let range: Range<Int>
        switch self {
        case .from(let first, let last):
            guard first < length else { return nil }
            range = first..<min(last.map { $0 < Int.max ? $0 + 1 : $0 } ?? length, length)
        case .last(let count):
            range = max(0, length - count)..<length
        }
        return range.isEmpty ? nil : range
    }
}

/// The entity tags of an `If-None-Match` header, compared weakly (RFC 9110, section 13.1.2).
struct EntityTags {
    private let tags: [Substring]

    init(_ header: String) {
        tags = header.split(separator: ",").map { tag in
            let trimmed = tag.drop { $0 == " " }
            return trimmed.hasPrefix("W/") ? trimmed.dropFirst(2) : trimmed
        }
    }

    func contains(_ etag: String) -> Bool {
        tags.contains { tag in
            let tag = tag.last == " " ? tag.dropLast() : tag
            return tag == "*" || tag == etag || tag == "\(etag.dropLast())-gzip\""
        }
    }
}

/// What an `Accept-Encoding` header allows (RFC 9110, section 12.5.3).
struct AcceptEncoding {
    let allowsGzip: Bool

    init(_ header: String?) {
        allowsGzip =
            header?.split(separator: ",").contains { coding in
                let parts = coding.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
                guard parts.first == "gzip" || parts.first == "x-gzip" else { return false }
                return !parts.dropFirst().contains { ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0) }
            } ?? false
    }
}
