import Foundation

#if canImport(CryptoKit)
import CryptoKit

func sha256(_ data: Data) -> String {
    SHA256.hash(data: data)
        .map { (byte: UInt8) -> String in String(format: "%02x", byte) }
        .joined()
}
#else
/// FIPS 180-4, for toolchains without CryptoKit; the goldens' sums show whether it is right.
func sha256(_ data: Data) -> String {
    var padded: [UInt8] = [UInt8](data) + [0x80]
    padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
    let bits: UInt64 = UInt64(data.count) * 8
    for place in (0..<8).reversed() {
        padded.append(UInt8((bits >> UInt64(place * 8)) & 255))
    }
    var state: [UInt32] = firstWords(of: squareRoots(8))
    let constants: [UInt32] = firstWords(of: cubeRoots(64))
    for start in stride(from: 0, to: padded.count, by: 64) {
        digest(padded[start..<start + 64], into: &state, constants: constants)
    }
    return state.map { (word: UInt32) -> String in String(format: "%08x", word) }.joined()
}

/// The first 32 bits of the fractional parts.
private func firstWords(of roots: [Double]) -> [UInt32] {
    roots.map { (root: Double) -> UInt32 in
        UInt32((root - root.rounded(.down)) * 4_294_967_296)
    }
}

private func squareRoots(_ count: Int) -> [Double] {
    primes(count).map { (prime: Int) -> Double in Double(prime).squareRoot() }
}

private func cubeRoots(_ count: Int) -> [Double] {
    primes(count).map { (prime: Int) -> Double in cbrt(Double(prime)) }
}

private func primes(_ count: Int) -> [Int] {
    var found: [Int] = []
    var candidate: Int = 2
    while found.count < count {
        if found.allSatisfy({ (prime: Int) -> Bool in candidate % prime != 0 }) {
            found.append(candidate)
        }
        candidate += 1
    }
    return found
}

private func rotated(_ word: UInt32, _ places: UInt32) -> UInt32 {
    (word >> places) | (word << (32 - places))
}

private func digest(_ block: ArraySlice<UInt8>, into state: inout [UInt32], constants: [UInt32]) {
    var words: [UInt32] = []
    for start in stride(from: block.startIndex, to: block.endIndex, by: 4) {
        var word: UInt32 = 0
        for place in 0..<4 {
            word = (word << 8) | UInt32(block[start + place])
        }
        words.append(word)
    }
    for place in 16..<64 {
        let early: UInt32 = words[place - 15]
        let late: UInt32 = words[place - 2]
        let first: UInt32 = rotated(early, 7) ^ rotated(early, 18) ^ (early >> 3)
        let second: UInt32 = rotated(late, 17) ^ rotated(late, 19) ^ (late >> 10)
        words.append(words[place - 16] &+ first &+ words[place - 7] &+ second)
    }
    var s: [UInt32] = state
    for place in 0..<64 {
        let high: UInt32 = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)
        let choice: UInt32 = (s[4] & s[5]) ^ (~s[4] & s[6])
        let first: UInt32 = s[7] &+ high &+ choice &+ constants[place] &+ words[place]
        let low: UInt32 = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)
        let majority: UInt32 = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2])
        s = [first &+ low &+ majority, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6]]
    }
    state = zip(state, s).map { (old: UInt32, new: UInt32) -> UInt32 in old &+ new }
}
#endif
