// CoreTransferable, which SwiftUI brings, as far as the demo uses it: see FoundationOnApple.swift
// for what these files are. Apple's protocol asks for a representation; nothing of ours has one.
import Foundation

public protocol Transferable {}

extension Data: Transferable {}
extension Never: Transferable {}
extension String: Transferable {}
extension URL: Transferable {}
