/// Any JSON, as the contract's cases hold it.
enum JSONValue: Sendable, Equatable, Codable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .number(let number):
            if let whole = Int(exactly: number) { try value.encode(whole) } else { try value.encode(number) }
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    subscript(path: String) -> JSONValue? {
        path.split(separator: ".").reduce(self as JSONValue?) { value, name in
            switch value {
            case .object(let object): object[String(name)]
            case .array(let array): Int(name).flatMap { array.indices.contains($0) ? array[$0] : nil }
            default: nil
            }
        }
    }

    /// What stands in a text where this value is named.
    var text: String {
        switch self {
        case .string(let string): string
        case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
        case .bool(let bool): "\(bool)"
        default: ""
        }
    }

    /// Where `actual` lacks what this value asks for, in words; `nil` if it has it all. An object may have more
    /// members, but for those that are asked to be null: they must be absent. An array has as many elements.
    func mismatch(_ actual: JSONValue?, at path: String = "") -> String? {
        switch (self, actual) {
        case (.null, nil): nil
        case (.object(let expected), .object(let found)):
            expected.sorted { $0.key < $1.key }.lazy.compactMap { name, value in
                value.mismatch(found[name], at: "\(path).\(name)")
            }.first
        case (.array(let expected), .array(let found)):
            expected.count != found.count
                ? "\(path) has \(found.count) elements, not \(expected.count)"
                : zip(expected, found).enumerated().lazy.compactMap { index, pair in
                    pair.0.mismatch(pair.1, at: "\(path).\(index)")
                }.first
        default: self == actual ? nil : "\(path) is \(actual.map { "\($0)" } ?? "absent"), not \(self)"
        }
    }
}
