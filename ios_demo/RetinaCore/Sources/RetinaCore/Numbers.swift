import Foundation

/// A lesion's share of the retina, in percent, as a person reads it.
public struct ShareText: Equatable, Sendable {
    public let isBelow: Bool  // there is some, but less than the number
    public let percent: String  // "0.42", in the digits of the locale

    /// Two places; what rounds to nothing and is something says "below 0.01".
    public init(_ finding: Finding, locale: Locale) {
        let below: Bool = finding.pixels > 0 && finding.basisPoints == 0
        isBelow = below
        percent = decimalText(
            Double(below ? 1 : finding.basisPoints) / 100, places: 2, locale: locale)
    }
}

public func decimalText(_ value: Double, places: Int, locale: Locale) -> String {
    let formatter: NumberFormatter = NumberFormatter()
    formatter.locale = locale
    formatter.numberStyle = .decimal
    formatter.minimumFractionDigits = places
    formatter.maximumFractionDigits = places
    return formatter.string(from: NSNumber(value: value)) ?? String(value)
}
