/// A place in the manifest that knows its own dotted path, and what must stand there.
struct ManifestEntry {
    let path: String
    let value: JSONValue?  // nil: missing

    static func root(_ value: JSONValue) -> ManifestEntry {
        ManifestEntry(path: "", value: value)
    }

    subscript(key: String) -> ManifestEntry {
        let below: String = path.isEmpty ? key : "\(path).\(key)"
        if case .object(let entries)? = value {
            return ManifestEntry(path: below, value: entries[key])
        }
        return ManifestEntry(path: below, value: nil)
    }

    subscript(index: Int) -> ManifestEntry {
        let below: String = "\(path)[\(index)]"
        if case .list(let values)? = value, values.indices.contains(index) {
            return ManifestEntry(path: below, value: values[index])
        }
        return ManifestEntry(path: below, value: nil)
    }

    func problem(_ code: ManifestProblem.Code = .entry) -> ManifestProblem {
        ManifestProblem(code: code, entry: path, found: value?.shown ?? "")
    }

    @discardableResult
    func object() throws -> [String: JSONValue] {
        guard case .object(let entries)? = value else { throw problem() }
        return entries
    }

    /// The elements, each with its own path.
    func list(_ counts: ClosedRange<Int>) throws -> [ManifestEntry] {
        guard case .list(let values)? = value, counts.contains(values.count) else {
            throw problem()
        }
        return values.indices.map { (index: Int) -> ManifestEntry in self[index] }
    }

    func text() throws -> String {
        guard case .text(let text)? = value, !text.isEmpty else { throw problem() }
        return text
    }

    func text(_ expected: String) throws {
        guard case .text(let text)? = value, text == expected else { throw problem() }
    }

    func number(_ range: ClosedRange<Double>) throws -> Double {
        guard case .number(let number)? = value, range.contains(number) else { throw problem() }
        return number
    }

    func whole(_ range: ClosedRange<Int>) throws -> Int {
        guard case .number(let number)? = value, number == number.rounded(),
            number >= Double(range.lowerBound), number <= Double(range.upperBound)
        else { throw problem() }
        return Int(number)
    }

    /// A list of exactly these whole numbers.
    func shape(_ expected: [Int]) throws {
        let wanted: [JSONValue] = expected.map { (size: Int) -> JSONValue in .number(Double(size)) }
        guard value == .list(wanted) else { throw problem() }
    }
}
