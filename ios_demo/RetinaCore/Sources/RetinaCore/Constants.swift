/// What the Python package and every app must agree on: `constants` of tests/goldens/index.json.
/// Names, colours and thresholds of the lesions are not here: the bundle's manifest brings them.
public enum Constants {
    public static let lesionCodes: [String] = ["MA", "HE", "EX", "SE"]
    public static let opacity: Int = 150  // of 255
    public static let schema: Int = 2  // of model.json
    public static let mostMegapixels: Int = 50
    public static let mostFileBytes: Int = 100_000_000
}

/// What is wrong with a picture as a whole.
public enum Warning: String, CaseIterable, Sendable {
    case noRetina = "no retina found"
    case tooSmall = "too small: the retina has fewer pixels than the network takes"
}
