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

    /// Its own in the app's language, else the app's for it, else its English one: as a line
    /// begins.
    static func name(of lesion: Lesion) -> String {
        let keys: [String: TextKey] = [
            "MA": .lesionMA, "HE": .lesionHE, "EX": .lesionEX, "SE": .lesionSE
        ]
        let language: String = Bundle.main.preferredLocalizations.first ?? "en"
        let ours: String? = keys[lesion.code].map { (key: TextKey) -> String in text(key) }
        let name: String = lesion.names[language] ?? ours ?? lesion.names["en"] ?? lesion.code
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    static func area(of finding: Finding) -> String {
        let share: ShareText = ShareText(finding, locale: Locale.current)
        return text(share.isBelow ? .areaBelow : .areaValue, share.percent)
    }

    static func sentence(_ found: FoundLesion) -> String {
        text(
            .finding, name(of: found.lesion), whole(found.finding.count), area(of: found.finding))
    }

    /// What is said of a picture.
    static func sentence(_ flag: Flag) -> String {
        switch flag {
        case .noRetina: return text(.flagNoRetina)
        case .notFundus: return text(.flagNotFundus)
        case .tooDark: return text(.flagTooDark)
        case .tooBright: return text(.flagTooBright)
        case .blurred: return text(.flagBlurred)
        case .glare: return text(.flagGlare)
        case .fieldCut: return text(.flagFieldCut)
        case .oddColour: return text(.flagOddColour)
        case .tooSmall: return text(.flagTooSmall)
        case .poor: return text(.flagPoor)
        }
    }

    /// The same without its full stop, to be joined with others.
    static func spoken(_ flag: Flag) -> String {
        String(sentence(flag).dropLast())
    }

    static func quality(_ quality: PictureQuality) -> String {
        "\(text(.quality)): \(text(.qualityValue, whole(quality.percent)))"
    }

    /// The figures of a picture, as they are read aloud.
    static func figures(of found: Analysis, isTold: Bool) -> [String] {
        let quality: [String] = found.quality.map { (quality: PictureQuality) -> [String] in
            [text(.qualitySpoken, whole(quality.percent))]
        } ?? []
        return quality + (isTold ? found.lesions.map { (one: FoundLesion) in sentence(one) } : [])
    }

    static func modelLine(_ manifest: Manifest) -> String {
        let line: String = text(
            .modelLine, manifest.name, manifest.variant, manifest.precision, manifest.mobileseg)
        let isCalibrated: Bool = manifest.lesions.contains { (lesion: Lesion) -> Bool in
            lesion.calibration != nil
        }
        return isCalibrated ? "\(line), \(text(.calibrated))" : line
    }
}
