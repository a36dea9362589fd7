import Everyline
import EverylineServer
import Foundation
import HTTPTypes
import NIOCore
import Testing

/// Cases as data, without a process or a socket; `Tests/EndToEnd` shows what only those can.
@Suite("The HTTP API's contract")
struct HTTPContractTests {
    @Test("says that", arguments: HTTPForm.names, HTTPCase.all)
    func contract(form: String, contract: HTTPCase) async throws {
        guard contract.forms?.contains(form) ?? true else { return }
        for value in contract.each ?? [.null] {
            try await HTTPForm.withForm(form, limit: ByteCount(contract.limit ?? 1 << 32)) { form in
                var run = try await HTTPRun(form, each: value)
                for (index, step) in contract.steps.enumerated() {
                    if let fault = try await run.perform(step) {
                        Issue.record("step \(index + 1), with \(value.text): \(fault)")
                        break
                    }
                }
            }
        }
    }

    @Test("has cases")
    func cases() {
        #expect(HTTPCase.all.count >= 30)
    }
}

/// The steps of a case against one form.
private struct HTTPRun {
    private let form: HTTPForm
    private var values: [String: JSONValue]

    /// Makes a key of each role: `{admin}`, `{operator}`, `{developer}`, `{viewer}`.
    init(_ form: HTTPForm, each: JSONValue) async throws {
        self.form = form
        values = ["each": each]
        if case .object(let members) = each { values.merge(members) { $1 } }
        for role in Role.allCases {
            let (key, secret) = APIKey.make(for: try #require(UserID("\(role)")), role: role, at: form.core.now())
            try await form.core.access.add(key)
            values["\(role)"] = .string(secret.value)
            values["\(role).id"] = .string("\(key.id)")
        }
    }

    /// - Returns: what isn't as the step says.
    mutating func perform(_ step: HTTPCase.Step) async throws -> String? {
        var request = step.request ?? ""
        var key = step.as ?? "{admin}"
        var fields = step.send ?? [:]
        if let name = step.register {
            (request, key) = ("POST /api/v1/executions", step.as ?? "{developer}")
            fields["Content-Type"] = "application/json"
            let (_, head, body) = try await send(request, key, fields, Array(#"{"command":["a","producer"]}"#.utf8))
            guard head.status == .created || head.status == .ok else { return "\(head.status) for the registration" }
            let answer = try JSONDecoder().decode(JSONValue.self, from: body)
            values[name] = .string("/api/v1/executions/" + (answer["execution_id"]?.text ?? ""))
            values["\(name).id"] = answer["execution_id"]
            values["\(name).token"] = answer["append_token"]
            return nil
        }
        if let name = step.append {
            request = "POST {\(name)}/events" + (step.after.map { "?after=\($0.text)" } ?? "")
            key = step.as ?? "{\(name).token}"
            fields["Content-Type"] =
                fields["Content-Type"] ?? (step.lines != nil || step.end != nil ? "application/x-ndjson" : "text/plain")
        }
        if step.json != nil { fields["Content-Type"] = fields["Content-Type"] ?? "application/json" }
        let (sent, head, body) = try await send(request, key, fields, try bytes(of: step))
        return try check(step, head, body).map {
            "\(sent): \($0): \(String(decoding: body.prefix(500), as: UTF8.self))"
        }
    }

    private func bytes(of step: HTTPCase.Step) throws -> [UInt8] {
        if let json = step.json { return Array(try JSONEncoder().encode(filled(json))) }
        if let text = step.text { return Array(filled(text).utf8) }
        if let base64 = step.base64 { return Array(try #require(Data(base64Encoded: base64))) }
        if let repeated = step.repeated {
            let text = String(repeating: repeated.text, count: repeated.times)
            return Array("\(repeated.before ?? "")\(text)\(repeated.behind ?? "")".utf8)
        }
        var lines = (step.lines ?? []).map { line -> JSONValue in
            if case .object = line { line } else { .object(["timestamp": .number(1), "message": line]) }
        }
        if let end = step.end {
            lines.append(
                .object([
                    "timestamp": .number(1), "type": .string("end"), "status": .string(end),
                    "exit_code": .number(end == "SUCCEEDED" ? 0 : 1),
                ]))
        }
        return try lines.flatMap { Array(try JSONEncoder().encode(filled($0))) + [UInt8(ascii: "\n")] }
    }

    private func send(
        _ request: String, _ key: String, _ fields: [String: String], _ body: [UInt8]
    ) async throws -> (sent: String, head: HTTPResponse, body: Data) {
        let text = filled(request)
        let words = text.split(separator: " ", maxSplits: 1)
        var head = HTTPRequest(
            method: try #require(HTTPRequest.Method(String(words[0]))), scheme: "http", authority: "host.example",
            path: String(words[1]))
        let key = filled(key)
        if !key.isEmpty { head.headerFields[.authorization] = "Bearer " + key }
        for (name, value) in fields { head.headerFields[try #require(HTTPField.Name(name))] = filled(value) }
        if !body.isEmpty { head.headerFields[.contentLength] = "\(body.count)" }
        let answer = try await form.respond(head, ByteBuffer(bytes: body))
        return (text, answer.head, Data(answer.body.readableBytesView))
    }

    private mutating func check(_ step: HTTPCase.Step, _ head: HTTPResponse, _ body: Data) throws -> String? {
        let status = step.status ?? 200
        guard head.status.code == status else { return "\(head.status.code), not \(status)" }
        func field(_ name: String) -> String? { HTTPField.Name(name).flatMap { head.headerFields[$0] } }
        let json = try? JSONDecoder().decode(JSONValue.self, from: body)
        // A refusal is a problem document, whatever was wrong.
        if status >= 400,
            field("Content-Type") != "application/problem+json" || json?["status"] != .number(Double(status))
                || json?["request_id"]?.text != field("X-Request-ID") || json?["code"]?.text == ""
        {
            return "no problem document"
        }
        if let code = step.code, json?["code"] != .string(filled(code)) { return "not \(filled(code))" }
        if let fault = step.is.flatMap({ filled($0).mismatch(json) }) { return fault }
        if let events = step.events {
            let lines = body.split(separator: UInt8(ascii: "\n"))
            let found = try lines.map { try JSONDecoder().decode(JSONValue.self, from: $0) }
            if let fault = filled(.array(events)).mismatch(.array(found)) { return fault }
        }
        if let text = step.body, Data(filled(text).utf8) != body { return "not the text" }
        for (name, value) in step.receive ?? [:] {
            let found = field(name)
            if value == "*" ? found == nil : found != filled(value) { return "\(name) is \(found ?? "absent")" }
        }
        for (name, place) in step.keep ?? [:] {
            let kept =
                place == "body"
                ? .string(String(decoding: body, as: UTF8.self)) : json?[place] ?? field(place).map { .string($0) }
            guard let kept else { return "no \(place)" }
            values[name] = kept
        }
        return nil
    }

    private func filled(_ text: String) -> String {
        values.reduce(text) { $0.replacing("{\($1.key)}", with: $1.value.text) }
    }

    /// A string that is nothing but a name is the value itself, of whatever type.
    private func filled(_ json: JSONValue) -> JSONValue {
        switch json {
        case .string(let text):
            if text.hasPrefix("{"), text.hasSuffix("}"), let value = values[String(text.dropFirst().dropLast())] {
                value
            } else {
                .string(filled(text))
            }
        case .array(let array): .array(array.map(filled))
        case .object(let object): .object(object.mapValues(filled))
        default: json
        }
    }
}
