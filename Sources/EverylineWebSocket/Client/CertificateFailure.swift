import Glibc
package import NIOCore
import NIOPosix
import NIOSSL

/// Says in words why a server's certificate isn't one to trust.
///
/// TLS says no more than that it isn't. So the certificate is asked for once more, over a connection that ends before
/// anything is sent on it.
package enum CertificateFailure {
    /// Whether a connection failed because of the peer's certificate.
    package static func isOne(_ error: any Error) -> Bool {
        isWrongName(error) || error is NIOSSLError && "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
    }

    private static func isWrongName(_ error: any Error) -> Bool {
        (error as? NIOSSLExtraError) == .failedToValidateHostname
    }

    /// - Returns: the reason, in words; `nil` if the certificate can't be had again within seconds.
    package static func reason(
        of error: any Error, from host: String, port: Int, eventLoopGroup: any EventLoopGroup
    ) async -> String? {
        guard let chain = try? await certificates(of: host, port, eventLoopGroup), let own = chain.first else {
            return nil
        }
        if isWrongName(error) {
            return own.names.isEmpty
                ? "its certificate names no host, so not \(host) either"
                : "its certificate is for \(own.names.prefix(5).joined(separator: ", ")), not for \(host)"
        }
        let now = CertificateTime.now
        if let late = chain.first(where: { $0.end < now }) {
            return "its certificate expired on \(late.end.day)"
        }
        if let early = chain.first(where: { $0.start > now }) {
            return "its certificate is valid from \(early.start.day) on, and here it is \(now.day)"
        }
        if own.isSelfSigned {
            return "its certificate is self-signed: --ca-file FILE trusts the certificate in that file"
        }
        let authority = chain.last.flatMap(\.issuer) ?? "an authority without a name"
        return
            "its certificate is from \(authority), which isn't trusted here: --ca-file FILE trusts the authority in that file"
    }

    private static func certificates(
        of host: String, _ port: Int, _ group: any EventLoopGroup
    ) async throws -> [CertificateFields] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        let context = try NIOSSLContext(configuration: configuration)
        let seen = group.next().makePromise(of: [NIOSSLCertificate].self)
        let patience = seen.futureResult.eventLoop.scheduleTask(in: .seconds(5)) { seen.fail(ChannelError.eof) }
        defer { patience.cancel() }
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: group).connectTimeout(.seconds(5))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let name = host.contains(where: \.isLetter) && !host.contains(":") ? host : nil
                        let handler = try NIOSSLClientHandler(
                            context: context, serverHostname: name,
                            customVerificationCallback: { chain, verdict in
                                seen.succeed(chain)
                                verdict.succeed(.failed)
                            })
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
                .connect(host: host, port: port).get()
        } catch {
            seen.fail(error)
            throw error
        }
        defer { channel.close(promise: nil) }
        return try await seen.futureResult.get().compactMap { CertificateFields(der: try $0.toDERBytes()) }
    }
}

/// A time in a certificate, in UTC: `YYYYMMDDHHMMSS`.
private struct CertificateTime: Comparable {
    let digits: String

    /// As `2026-11-30`.
    var day: String {
        let digits = Array(digits)
        return String(digits[0..<4]) + "-" + String(digits[4..<6]) + "-" + String(digits[6..<8])
    }

    static func < (left: CertificateTime, right: CertificateTime) -> Bool { left.digits < right.digits }

    static var now: CertificateTime {
        var (seconds, parts) = (time(nil), tm())
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return CertificateTime(
            digits: "\(parts.tm_year + 1900)" + two(parts.tm_mon + 1) + two(parts.tm_mday) + two(parts.tm_hour)
                + two(parts.tm_min) + two(parts.tm_sec))
    }

    private init(digits: String) { self.digits = digits }

    /// Reads UTCTime and GeneralizedTime, in the one form of each that RFC 5280 allows.
    init?(_ value: DER.Value) {
        let text = String(decoding: value.content, as: UTF8.self)
        guard text.hasSuffix("Z"), text.dropLast().utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        switch (value.tag, text.utf8.count) {
        case (0x17, 13): digits = (text < "5" ? "20" : "19") + text.dropLast()
        case (0x18, 15): digits = String(text.dropLast())
        default: return nil
        }
    }
}

/// What a certificate says of itself (RFC 5280). Nothing of it is believed.
private struct CertificateFields {
    let start: CertificateTime
    let end: CertificateTime
    let isSelfSigned: Bool
    /// The issuer's name.
    let issuer: String?
    /// The hosts that it is for.
    let names: [String]

    init?(der: [UInt8]) {
        guard let body = DER.values(in: der[...]).first.map({ DER.values(in: $0.content) })?.first else { return nil }
        var fields = DER.values(in: body.content)
        if fields.first?.tag == 0xA0 { fields.removeFirst() }
        guard fields.count >= 6 else { return nil }
        let times = DER.values(in: fields[3].content)
        guard times.count == 2, let start = CertificateTime(times[0]), let end = CertificateTime(times[1]) else {
            return nil
        }
        (self.start, self.end) = (start, end)
        isSelfSigned = fields[2].content == fields[4].content
        issuer = Self.name(in: fields[2])
        let extensions = fields.first { $0.tag == 0xA3 }.flatMap { DER.values(in: $0.content).first }
        names = extensions.map { Self.hosts(in: DER.values(in: $0.content)) } ?? []
    }

    /// The common name, or else the organisation.
    private static func name(in field: DER.Value) -> String? {
        let parts = DER.values(in: field.content).flatMap { DER.values(in: $0.content) }
            .map { DER.values(in: $0.content) }
        for kind in [[0x55, 0x04, 0x03], [0x55, 0x04, 0x0A]] as [[UInt8]] {
            if let part = parts.first(where: { $0.count == 2 && Array($0[0].content) == kind }) {
                return String(decoding: part[1].content.prefix(100), as: UTF8.self)
            }
        }
        return nil
    }

    /// What the alternative names of the subject are.
    private static func hosts(in extensions: [DER.Value]) -> [String] {
        let found = extensions.map { DER.values(in: $0.content) }
            .first { Array($0.first?.content ?? []) == [0x55, 0x1D, 0x11] }
        guard let list = found?.last.flatMap({ DER.values(in: $0.content).first }) else { return [] }
        return DER.values(in: list.content).compactMap { name in
            switch name.tag {
            case 0x82: String(decoding: name.content.prefix(253), as: UTF8.self)
            case 0x87 where name.content.count == 4: name.content.map { "\($0)" }.joined(separator: ".")
            default: nil
            }
        }
    }
}

/// The distinguished encoding of ASN.1, as far as certificates need it.
private enum DER {
    struct Value {
        let tag: UInt8
        let content: ArraySlice<UInt8>
    }

    /// The values that stand one behind the other; those before the first that is none.
    static func values(in bytes: ArraySlice<UInt8>) -> [Value] {
        var (rest, values) = (bytes, [Value]())
        while let tag = rest.popFirst(), let first = rest.popFirst() {
            var length = Int(first)
            if first >= 0x80 {
                let count = Int(first & 0x7F)
                guard (1...3).contains(count), rest.count >= count else { break }
                length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(count)
            }
            guard rest.count >= length else { break }
            values.append(Value(tag: tag, content: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return values
    }
}
