// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "swift-sam",
    products: [
        .executable(name: "swift-sam", targets: ["swift-sam"]),
        .library(name: "SegmentAnything", targets: ["SegmentAnything"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "Files"),
        .target(name: "Frames"),
        .target(name: "Tensors", dependencies: ["COpenBLAS"]),
        .target(name: "Checkpoints", dependencies: ["Files", "Tensors"]),
        .target(name: "SegmentAnything", dependencies: ["Checkpoints", "Files", "Frames", "Tensors"]),
        .executableTarget(
            name: "swift-sam",
            dependencies: [
                "SegmentAnything",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(
            name: "SegmentAnythingTests",
            dependencies: ["SegmentAnything", .product(name: "Crypto", package: "swift-crypto")],
            resources: [.copy("Fixtures")]),
    ],
    swiftLanguageModes: [.v6]
)
