package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A value in an item, of the kinds that the records here use.
package enum AttributeValue: Sendable, Equatable {
    case string(String)
    case number(Int64)
    case binary(ByteBuffer)
    case boolean(Bool)
    case list([AttributeValue])
}

/// An item's attributes, or a part of them.
package typealias Attributes = [String: AttributeValue]

extension AttributeValue: Codable {
    private enum Kind: String, CodingKey {
        case string = "S"
        case number = "N"
        case binary = "B"
        case boolean = "BOOL"
        case list = "L"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Kind.self)
        switch self {
        case .string(let value): try container.encode(value, forKey: .string)
        case .number(let value): try container.encode(String(value), forKey: .number)
        case .binary(let value): try container.encode(Data(value.readableBytesView), forKey: .binary)
        case .boolean(let value): try container.encode(value, forKey: .boolean)
        case .list(let value): try container.encode(value, forKey: .list)
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Kind.self)
        guard let kind = container.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "an attribute of a kind that no record has"))
        }
        switch kind {
        case .string: self = .string(try container.decode(String.self, forKey: kind))
        case .binary: self = .binary(ByteBuffer(bytes: try container.decode(Data.self, forKey: kind)))
        case .boolean: self = .boolean(try container.decode(Bool.self, forKey: kind))
        case .list: self = .list(try container.decode([AttributeValue].self, forKey: kind))
        case .number:
            guard let value = Int64(try container.decode(String.self, forKey: kind)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: kind, in: container, debugDescription: "a number that no record has")
            }
            self = .number(value)
        }
    }
}

extension [String: AttributeValue] {
    func string(_ name: String) throws(DamagedItem) -> String {
        guard let value = try optionalString(name) else { throw DamagedItem(attribute: name) }
        return value
    }

    func optionalString(_ name: String) throws(DamagedItem) -> String? {
        switch self[name] {
        case nil: return nil
        case .string(let value): return value
        default: throw DamagedItem(attribute: name)
        }
    }

    func number(_ name: String) throws(DamagedItem) -> Int64 {
        guard let value = try optionalNumber(name) else { throw DamagedItem(attribute: name) }
        return value
    }

    func optionalNumber(_ name: String) throws(DamagedItem) -> Int64? {
        switch self[name] {
        case nil: return nil
        case .number(let value): return value
        default: throw DamagedItem(attribute: name)
        }
    }

    func binary(_ name: String) throws(DamagedItem) -> ByteBuffer {
        guard case .binary(let value) = self[name] else { throw DamagedItem(attribute: name) }
        return value
    }

    func boolean(_ name: String) throws(DamagedItem) -> Bool {
        guard case .boolean(let value) = self[name] else { throw DamagedItem(attribute: name) }
        return value
    }
}

/// An item doesn't hold what its record must.
struct DamagedItem: Error, CustomStringConvertible {
    let attribute: String

    var description: String { "an item's attribute \(attribute) is damaged" }
}
