/// `quality` of a manifest: the values behind a picture's quality, their limits and their flags.
struct QualityReader {
    private static let limits: ClosedRange<Double> = -1e6...1e6
    private static let counts: ClosedRange<Int> = 0...32

    /// Nil: the model says nothing of quality.
    static func quality(_ entry: ManifestEntry) throws -> QualitySpec? {
        if entry.value == .null {
            return nil
        }
        try entry.object()
        let usable: Double = try entry["usable"].number(0...1)
        var values: [QualityValue] = []
        for row in try entry["values"].list(counts) {
            let before: [String] = values.map { (value: QualityValue) -> String in value.name }
            values.append(try value(row, before: before))
        }
        return QualitySpec(usable: usable, values: values)
    }

    private static func value(_ row: ManifestEntry, before: [String]) throws -> QualityValue {
        try row.object()
        let name: String = try row["name"].text()
        if before.contains(name) {
            throw row["name"].problem()
        }
        guard case .text(let meaning)? = row["meaning"].value else {
            throw row["meaning"].problem()
        }
        let least: Double? = try limit(row["least"])
        let most: Double? = try limit(row["most"])
        if let low: Double = least, let high: Double = most, high <= low {
            throw row["most"].problem()
        }
        return QualityValue(
            name: name, meaning: meaning, least: least, most: most,
            below: try flag(row["flag_below"], of: least),
            above: try flag(row["flag_above"], of: most))
    }

    private static func limit(_ entry: ManifestEntry) throws -> Double? {
        entry.value == .null ? nil : try entry.number(limits)
    }

    /// A flag exactly where its limit is.
    private static func flag(_ entry: ManifestEntry, of limit: Double?) throws -> Flag? {
        if limit == nil {
            guard entry.value == .null else { throw entry.problem() }
            return nil
        }
        guard let flag: Flag = Flag(rawValue: try entry.text()), flag.isByValues else {
            throw entry.problem()
        }
        return flag
    }
}
