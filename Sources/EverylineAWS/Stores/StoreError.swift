import Everyline

/// Turns what DynamoDB's operations throw into the ports' error: nothing can be done now, and the same may be tried again.
func unavailable<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as AWSError {
        try Task.checkCancellation()
        throw LogStoreError.unavailable("\(error)")
    } catch let error as NewerFormat {
        throw LogStoreError.unavailable("\(error)")
    } catch let error as DamagedItem {
        throw LogStoreError.unavailable("\(error)")
    } catch is LogEventDecodingError {
        throw LogStoreError.unavailable("a block's line is damaged")
    }
}
