/// Ends the process, which libFuzzer reports together with the input, unless a statement about the code holds.
func expect(_ holds: Bool, _ statement: @autoclosure () -> String) {
    guard holds else { fatalError("It doesn't hold that \(statement())") }
}
