import Foundation
import RetinaCore
import UIKit

/// The phone, as evidence names it.
@MainActor
enum ThisDevice {
    static var described: PhoneBench.Device {
        PhoneBench.Device(
            name: model, system: "\(UIDevice.current.systemName) \(UIDevice.current.systemVersion)",
            abi: abi, cores: ProcessInfo.processInfo.processorCount)
    }

    static var appVersion: String {
        let version: Any? = Bundle.main.object(
            forInfoDictionaryKey: "CFBundleShortVersionString")
        return version as? String ?? "unknown"
    }

    /// Apple's own table of names changes every year; "iPhone15,2" is what the system says.
    private static var model: String {
        let environment: [String: String] = ProcessInfo.processInfo.environment
        if let simulated: String = environment["SIMULATOR_MODEL_IDENTIFIER"] {
            return "\(simulated) (simulator)"  // a Mac's speed: nobody should take it for a phone's
        }
        var system: utsname = utsname()
        uname(&system)
        return withUnsafeBytes(of: &system.machine) { (bytes: UnsafeRawBufferPointer) -> String in
            let name: Slice<UnsafeRawBufferPointer> = bytes.prefix(
                while: { (byte: UInt8) -> Bool in byte != 0 })
            return String(decoding: name, as: UTF8.self)
        }
    }

    private static var abi: String {
        #if arch(arm64)
        return "arm64"
        #else
        return "x86_64"
        #endif
    }
}

extension ProcessInfo {
    /// In the words that evidence uses on every system.
    var thermalWord: String {
        switch thermalState {
        case .nominal: return "none"
        case .fair: return "light"
        case .serious: return "severe"
        case .critical: return "critical"
        @unknown default: return "unknown"
        }
    }
}
