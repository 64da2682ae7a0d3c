/// What the Python package and every app must agree on: `constants` of tests/goldens/index.json.
/// Names, colours and thresholds of the lesions are not here: the bundle's manifest brings them.
public enum Constants {
    /// That have names in the app, and all that schema 2 knows.
    public static let lesionCodes: [String] = ["MA", "HE", "EX", "SE"]
    public static let opacity: Int = 150  // of 255
    public static let schema: Int = 3  // of model.json
    public static let oldestSchema: Int = 2  // that is still read
    public static let mostMegapixels: Int = 50
    public static let mostFileBytes: Int = 100_000_000
}
