// What Foundation, Core Foundation and ObjectiveC have on Apple's systems and not on Linux, as far
// as the demo uses it. typecheck.sh imports it into every file, beside Linux's own Foundation.
//
// As everywhere in this folder: declarations to compile against, never to run, of what the demo
// uses and nothing else. They hold facts (names, labels, defaults, types, isolation) from Apple's
// public documentation of Xcode 16's SDK; words and bodies are our own, and nothing is copied. What
// a modifier or initialiser returns is `some View` or a type without contents. Before you add one,
// read its page: what is wrong here is wrong in what typecheck.sh says.
//
// Not as Apple has it:
// - CFString and its like are NSString and its like; Apple keeps the two apart and converts between
//   them. `as` in the demo's source does what it does there.
// - A delegate's optional methods have to be there, and nothing of Core ML's is Sendable: stricter.
// - There are fewer overloads, so that an expression too complex for the compiler may pass.
import Foundation

public typealias CFAllocator = NSObject
public typealias CFData = NSData
public typealias CFDictionary = NSDictionary
public typealias CFMutableData = NSMutableData
public typealias CFString = NSString

public let kCFAllocatorDefault: CFAllocator! = nil

public func autoreleasepool<Result>(
    invoking body: () throws -> Result
) rethrows -> Result { fatalError() }

extension ProcessInfo {
    public enum ThermalState: Int, @unchecked Sendable {
        case nominal, fair, serious, critical
    }

    public var isLowPowerModeEnabled: Bool { fatalError() }
    public var thermalState: ThermalState { fatalError() }
}
