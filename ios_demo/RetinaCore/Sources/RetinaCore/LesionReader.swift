/// `lesions` of a manifest, of either schema.
struct LesionReader {
    let isNewest: Bool

    private static let most: Int = 16
    private static let longestCode: Int = 8
    private static let letters: ClosedRange<Character> = "A"..."Z"
    private static let digits: ClosedRange<Character> = "0"..."9"
    private static let constants: ClosedRange<Double> = -100...100  // of a calibration
    private static let english: String = "en"

    func lesions(_ list: ManifestEntry) throws -> [Lesion] {
        let most: Int = isNewest ? LesionReader.most : Constants.lesionCodes.count
        var lesions: [Lesion] = []
        for entry in try list.list(1...most) {
            try entry.object()
            let before: [String] = lesions.map { (lesion: Lesion) -> String in lesion.code }
            lesions.append(
                Lesion(
                    code: try code(entry["code"], before: before),
                    names: try names(entry),
                    threshold: try entry["threshold"].number(0...1),
                    colour: try colour(entry["colour"]),
                    calibration: isNewest ? try calibration(entry["calibration"]) : nil))
        }
        return lesions
    }

    private func code(_ entry: ManifestEntry, before: [String]) throws -> String {
        let code: String = try entry.text()
        let isKnown: Bool =
            isNewest ? LesionReader.isCode(code) : Constants.lesionCodes.contains(code)
        guard isKnown, !before.contains(code) else { throw entry.problem() }
        return code
    }

    /// A capital letter, then capital letters and digits, of ASCII.
    private static func isCode(_ code: String) -> Bool {
        guard code.count <= longestCode, let first: Character = code.first,
            letters.contains(first), first.isASCII
        else { return false }
        return code.allSatisfy { (character: Character) -> Bool in
            character.isASCII && (letters.contains(character) || digits.contains(character))
        }
    }

    /// By language; English is always there.
    private func names(_ lesion: ManifestEntry) throws -> [String: String] {
        let english: String = LesionReader.english
        guard isNewest else {
            return [english: try lesion["name"].text()]
        }
        let entry: ManifestEntry = lesion["names"]
        let listed: [String: JSONValue] = try entry.object()
        var names: [String: String] = [english: try entry[english].text()]
        for language in listed.keys.sorted() {
            names[language] = try entry[language].text()
        }
        return names
    }

    private func colour(_ entry: ManifestEntry) throws -> Colour {
        let levels: [UInt8] = try entry.list(3...3).map { (level: ManifestEntry) -> UInt8 in
            guard let whole: Int = try? level.whole(0...255) else { throw entry.problem() }
            return UInt8(whole)
        }
        return Colour(red: levels[0], green: levels[1], blue: levels[2])
    }

    private func calibration(_ entry: ManifestEntry) throws -> Calibration? {
        if entry.value == .null {
            return nil
        }
        try entry.object()
        let a: Double = try entry["a"].number(LesionReader.constants)
        guard a > 0 else { throw entry["a"].problem() }
        return Calibration(a: a, b: try entry["b"].number(LesionReader.constants))
    }
}
