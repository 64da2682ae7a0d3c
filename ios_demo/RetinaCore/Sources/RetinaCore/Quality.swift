/// What may be said of a picture, in the order in which it is said; raw values are Python's codes.
/// The last is no flag: it is said of an unusable picture that raises none.
public enum Flag: String, CaseIterable, Sendable {
    case noRetina = "no-retina"
    case notFundus = "not-fundus"
    case tooDark = "too-dark"
    case tooBright = "too-bright"
    case blurred = "blurred"
    case glare = "glare"
    case fieldCut = "field-cut"
    case oddColour = "odd-colour"
    case tooSmall = "too-small"
    case poor = "poor"

    /// Whether a value of the quality output may raise it.
    public var isByValues: Bool { ![Flag.noRetina, Flag.tooSmall, Flag.poor].contains(self) }

    /// Whether such a picture is unusable, whatever its quality.
    public var isFatal: Bool { self == .noRetina || self == .notFundus }
}

/// A number behind the quality: below `least` it raises `below`, above `most` it raises `above`.
public struct QualityValue: Equatable, Sendable {
    public let name: String
    public let meaning: String
    public let least: Double?
    public let most: Double?
    public let below: Flag?
    public let above: Flag?

    public init(
        name: String, meaning: String, least: Double?, most: Double?, below: Flag?, above: Flag?
    ) {
        self.name = name
        self.meaning = meaning
        self.least = least
        self.most = most
        self.below = below
        self.above = above
    }

    /// What is raised, compared in float32; by what is no number, everything.
    func flags(_ value: Float) -> [Flag] {
        var raised: [Flag] = []
        if let limit: Double = least, let flag: Flag = below, !(value >= Float(limit)) {
            raised.append(flag)
        }
        if let limit: Double = most, let flag: Flag = above, !(value <= Float(limit)) {
            raised.append(flag)
        }
        return raised
    }
}

/// What the manifest says of the quality output: after each lesion's quality, these values.
public struct QualitySpec: Equatable, Sendable {
    public let usable: Double
    public let values: [QualityValue]

    public init(usable: Double, values: [QualityValue]) {
        self.usable = usable
        self.values = values
    }
}

/// What a person is told of a picture. What is no number counts as bad: no picture is usable
/// because a comparison failed.
public struct PictureQuality: Equatable, Sendable {
    public let lesions: [Float]  // each one's quality, 0...1, in the order of the channels
    public let shown: Float  // the one figure: the least of them
    public let isUsable: Bool
    public let flags: [Flag]

    /// From the quality output: each of the lesions' quality, then the values of `spec`. Nil where
    /// they are not as many. Without a retina the values speak of nothing and raise none.
    public init?(_ output: [Float], lesions count: Int, spec: QualitySpec, raised: [Flag]) {
        guard count > 0, output.count == count + spec.values.count else { return nil }
        lesions = output.prefix(count).map { (value: Float) -> Float in
            value >= 0 ? min(value, 1) : 0
        }
        var found: Set<Flag> = Set(raised)
        if !found.contains(.noRetina) {
            for (row, value) in zip(spec.values, output.dropFirst(count)) {
                found.formUnion(row.flags(value))
            }
        }
        let least: Float = lesions.min() ?? 0
        shown = least
        flags = Flag.allCases.filter { (flag: Flag) -> Bool in found.contains(flag) }
        let isFatal: Bool = flags.contains { (flag: Flag) -> Bool in flag.isFatal }
        isUsable = least >= Float(spec.usable) && !isFatal
    }

    /// `shown` as it is written.
    public var percent: Int { Int((Double(shown) * 100 + 0.5).rounded(.down)) }
}

/// What is said of a picture: its flags, or that it is poor.
public func said(of flags: [Flag], isUsable: Bool) -> [Flag] {
    flags.isEmpty && !isUsable ? [Flag.poor] : flags
}
