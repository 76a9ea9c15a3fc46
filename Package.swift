// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "swift-sam",
    products: [
        .executable(name: "swift-sam", targets: ["swift-sam"]),
        .library(name: "SegmentAnything", targets: ["SegmentAnything", "Frames", "Tensors"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
    ],
    targets: [
        // C libraries. libnifti has no pkg-config file, and its headers include <znzlib.h> without its folder.
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(
            name: "CNIfTI",
            linkerSettings: [.linkedLibrary("nifti2"), .linkedLibrary("znz"), .linkedLibrary("z")]),
        .target(name: "CPNG", linkerSettings: [.linkedLibrary("png16"), .linkedLibrary("z")]),
        // Inner loops for a processor's vector instructions: Swift has no targets for single functions.
        .target(name: "CKernels"),
        .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),

        // What all share.
        .target(name: "Files", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Frames"),

        // The model.
        .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS"]),
        .target(name: "Checkpoints", dependencies: ["Files", "Tensors"]),
        .target(name: "SegmentAnything", dependencies: ["Checkpoints", "Files", "Frames", "Tensors"]),

        // The pipeline around it.
        .target(name: "Imaging", dependencies: ["Files", "Frames", "CNIfTI", "CPNG", "CJPEG"]),
        .target(
            name: "Annotations",
            dependencies: ["Files", "Frames", .product(name: "SwiftCSV", package: "SwiftCSV")]),
        .target(name: "Segmentation", dependencies: ["Annotations", "Imaging", "SegmentAnything", "Tensors"]),
        .target(
            name: "Evaluation",
            dependencies: ["Files", "Frames", "Imaging", .product(name: "SwiftCSV", package: "SwiftCSV")]),
        .executableTarget(
            name: "swift-sam",
            dependencies: [
                "Evaluation", "Segmentation",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Checkpoints", "Files", "Tensors"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "SegmentAnythingTests",
            dependencies: ["SegmentAnything", .product(name: "Crypto", package: "swift-crypto")],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging"], resources: [.copy("Fixtures")]),
        .testTarget(name: "AnnotationsTests", dependencies: ["Annotations", "Files", "Frames"]),
        .testTarget(name: "EvaluationTests", dependencies: ["Evaluation"], resources: [.copy("Fixtures")]),
        .testTarget(name: "SegmentationTests", dependencies: ["Segmentation"]),
        .testTarget(name: "CommandTests", dependencies: ["swift-sam", "Tensors"]),
    ],
    swiftLanguageModes: [.v6]
)
