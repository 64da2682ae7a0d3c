// swift-tools-version:5.9
import PackageDescription

// Foundation alone, so that `swift test` runs wherever a Swift toolchain is, a Mac or not.
let package = Package(
    name: "RetinaCore",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "RetinaCore", targets: ["RetinaCore"])
    ],
    targets: [
        .target(name: "RetinaCore"),
        .testTarget(name: "RetinaCoreTests", dependencies: ["RetinaCore"])
    ]
)
