import Foundation

/// What the benchmark screen measured, as `mobileseg bench BUNDLE --import FILE` takes it.
public struct PhoneBench: Encodable, Equatable, Sendable {
    public static let kind: String = "mobileseg-phone-bench"
    public static let schema: Int = 1

    /// Where it was measured.
    public struct Device: Equatable, Sendable {
        public let name: String
        public let system: String
        public let abi: String
        public let cores: Int

        public init(name: String, system: String, abi: String, cores: Int) {
            self.name = name
            self.system = system
            self.abi = abi
            self.cores = cores
        }
    }

    /// What a run of the benchmark found.
    public struct Run: Equatable, Sendable {
        public let runtime: String  // "coreml all": the compute units are part of it
        public let loadMs: Double
        public let warmup: Int
        public let roundsMs: [Double]
        public let batterySaver: Bool
        public let thermal: String

        public init(
            runtime: String, loadMs: Double, warmup: Int, roundsMs: [Double], batterySaver: Bool,
            thermal: String
        ) {
            self.runtime = runtime
            self.loadMs = loadMs
            self.warmup = warmup
            self.roundsMs = roundsMs
            self.batterySaver = batterySaver
            self.thermal = thermal
        }
    }

    public let date: Date
    public let appVersion: String
    public let device: Device
    public let run: Run
    public let manifest: Manifest
    public let artifactSum: String

    public init(
        date: Date, appVersion: String, device: Device, run: Run, manifest: Manifest,
        artifactSum: String
    ) {
        self.date = date
        self.appVersion = appVersion
        self.device = device
        self.run = run
        self.manifest = manifest
        self.artifactSum = artifactSum
    }

    public var medianMs: Double { quantile(run.roundsMs, at: 0.5) }

    public var p90Ms: Double { quantile(run.roundsMs, at: 0.9) }

    public func json() throws -> Data {
        let encoder: JSONEncoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(self)
    }

    private enum CodingKeys: String, CodingKey {
        case schema
        case kind
        case date
        case app
        case appVersion = "app_version"
        case device
        case system
        case abi
        case cores
        case runtime
        case artifactSum = "artifact_sha256"
        case target
        case precision
        case frame = "frame_hw"
        case loadMs = "load_ms"
        case warmup
        case roundsMs = "rounds_ms"
        case medianMs = "median_ms"
        case p90Ms = "p90_ms"
        case batterySaver = "battery_saver"
        case thermal
    }

    public func encode(to encoder: Encoder) throws {
        var values: KeyedEncodingContainer<CodingKeys> = encoder.container(
            keyedBy: CodingKeys.self)
        try values.encode(PhoneBench.schema, forKey: .schema)
        try values.encode(PhoneBench.kind, forKey: .kind)
        try values.encode(PhoneBench.iso(date), forKey: .date)
        try values.encode("ios", forKey: .app)
        try values.encode(appVersion, forKey: .appVersion)
        try values.encode(device.name, forKey: .device)
        try values.encode(device.system, forKey: .system)
        try values.encode(device.abi, forKey: .abi)
        try values.encode(device.cores, forKey: .cores)
        try values.encode(run.runtime, forKey: .runtime)
        try values.encode(artifactSum, forKey: .artifactSum)
        try values.encode(manifest.target, forKey: .target)
        try values.encode(manifest.precision, forKey: .precision)
        try values.encode([manifest.frame.height, manifest.frame.width], forKey: .frame)
        try values.encode(run.loadMs, forKey: .loadMs)
        try values.encode(run.warmup, forKey: .warmup)
        try values.encode(run.roundsMs, forKey: .roundsMs)
        try values.encode(medianMs, forKey: .medianMs)
        try values.encode(p90Ms, forKey: .p90Ms)
        try values.encode(run.batterySaver, forKey: .batterySaver)
        try values.encode(run.thermal, forKey: .thermal)
    }

    /// 2026-11-26T10:00:00+00:00: the offset in figures, as Python writes it.
    private static func iso(_ date: Date) -> String {
        let formatter: DateFormatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "yyyy-MM-dd'T'HH:mm:ssxxxxx"
        return formatter.string(from: date)
    }
}
