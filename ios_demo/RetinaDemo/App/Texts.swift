import Foundation
import RetinaCore

/// Texts in the person's language, with their places filled.
enum Texts {
    static func text(_ key: TextKey, _ places: String...) -> String {
        let format: String = NSLocalizedString(key.rawValue, comment: "")
        if places.isEmpty {
            return format  // a % in it is just that
        }
        let arguments: [CVarArg] = places.map { (place: String) -> CVarArg in place as NSString }
        return String(format: format, arguments: arguments)
    }

    static func milliseconds(_ value: Double) -> String {
        text(.milliseconds, decimalText(value, places: 0, locale: Locale.current))
    }

    static func whole(_ value: Int) -> String {
        decimalText(Double(value), places: 0, locale: Locale.current)
    }

    /// The manifest's own name where the app has none in the person's language.
    static func name(of lesion: Lesion) -> String {
        let keys: [String: TextKey] = [
            "MA": .lesionMA, "HE": .lesionHE, "EX": .lesionEX, "SE": .lesionSE
        ]
        guard let key: TextKey = keys[lesion.code] else { return lesion.name }
        return text(key)
    }

    static func area(of finding: Finding) -> String {
        let share: ShareText = ShareText(finding, locale: Locale.current)
        return text(share.isBelow ? .areaBelow : .areaValue, share.percent)
    }

    static func sentence(_ found: FoundLesion) -> String {
        text(
            .finding, name(of: found.lesion), whole(found.finding.count), area(of: found.finding))
    }

    static func warning(_ warning: Warning) -> String {
        switch warning {
        case .noRetina: return text(.noRetina)
        case .tooSmall: return text(.tooSmall)
        }
    }

    static func modelLine(_ manifest: Manifest) -> String {
        text(
            .modelLine, manifest.name, manifest.variant, manifest.precision, manifest.mobileseg)
    }
}
