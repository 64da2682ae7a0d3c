// PhotosUI together with SwiftUI, as far as the demo uses it: see FoundationOnApple.swift for what
// these files are.
@_exported import Foundation
import SwiftUI

public struct PHPickerFilter: Hashable, Sendable {
    public static let images: PHPickerFilter = PHPickerFilter()
    public static let livePhotos: PHPickerFilter = PHPickerFilter()
    public static let videos: PHPickerFilter = PHPickerFilter()
}

public struct PhotosPickerItem: Hashable, Sendable {
    public struct EncodingDisambiguationPolicy: Hashable, Sendable {
        public static let automatic: EncodingDisambiguationPolicy = EncodingDisambiguationPolicy()
        public static let compatible: EncodingDisambiguationPolicy = EncodingDisambiguationPolicy()
        public static let current: EncodingDisambiguationPolicy = EncodingDisambiguationPolicy()
    }

    public func loadTransferable<Value: Transferable>(
        type: Value.Type
    ) async throws -> Value? { fatalError() }
}

public struct PhotosPicker<Label: View>: Primitive {
    #if XCODE_15
    public init(
        selection: Binding<PhotosPickerItem?>, matching filter: PHPickerFilter? = nil,
        preferredItemEncoding: PhotosPickerItem.EncodingDisambiguationPolicy = .automatic,
        @ViewBuilder label: () -> Label
    ) {}
    #else
    @preconcurrency nonisolated public init(
        selection: Binding<PhotosPickerItem?>, matching filter: PHPickerFilter? = nil,
        preferredItemEncoding: PhotosPickerItem.EncodingDisambiguationPolicy = .automatic,
        @ViewBuilder label: @Sendable () -> Label
    ) {}
    #endif
}
