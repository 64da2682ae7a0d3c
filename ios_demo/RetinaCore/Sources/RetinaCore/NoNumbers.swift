import Foundation

/// A text whose bare NaN or Infinity, which some writers put for a number that is none, and numbers
/// that no double holds have become texts: so that the entry can be named that they stand in.
func quotingNoNumbers(in json: Data) -> Data {
    let pattern: String =
        #""(?:[^"\\]++|\\.)*+"|-?(?:NaN|Infinity)|-?[0-9.]+[eE][+]?[0-9]{3,}"#
    guard let expression: NSRegularExpression = try? NSRegularExpression(pattern: pattern) else {
        return json
    }
    var text: String = String(decoding: json, as: UTF8.self)
    let whole: NSRange = NSRange(text.startIndex..., in: text)
    // From the end, so that what comes before stays where it was found.
    for match in expression.matches(in: text, range: whole).reversed() {
        if let range: Range<String.Index> = Range(match.range, in: text) {
            let found: String = String(text[range])
            if !found.hasPrefix("\"") {
                text.replaceSubrange(range, with: "\"\(found)\"")
            }
        }
    }
    return Data(text.utf8)
}
