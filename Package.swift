// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "swift-sam",
    products: [
        .executable(name: "swift-sam", targets: ["swift-sam"]),
        .library(name: "SegmentAnything", targets: ["SegmentAnything", "Checkpoints", "ImageFrames", "Tensors"]),
        .library(name: "PictureFiles", targets: ["PictureFiles"]),
        .library(name: "PlainSam", targets: ["PlainSam", "Checkpoints"]),
        .library(name: "Inspection", targets: ["Inspection", "SegmentAnything", "PlainSam"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
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
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // What all share.
        .target(name: "SafeFiles"),
        .target(name: "ImageFrames"),
        .target(name: "PictureFiles", dependencies: ["SafeFiles", "ImageFrames", "CPNG", "CJPEG"]),

        // The model.
        .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS"]),
        .target(name: "Checkpoints", dependencies: ["CZlib", "SafeFiles", "Tensors"]),
        .target(name: "SegmentAnything", dependencies: ["Checkpoints", "SafeFiles", "ImageFrames", "Tensors"]),
        // The whole of it again, as plain loops: what tests hold it to, and where readers begin.
        .target(name: "PlainSam", dependencies: ["Checkpoints", "Tensors"]),
        // Both side by side: where they, or another implementation, differ, and why.
        .target(
            name: "Inspection",
            dependencies: ["SegmentAnything", "PlainSam", "Checkpoints", "SafeFiles", "ImageFrames", "Tensors"]),

        // The pipeline around it.
        .target(name: "Imaging", dependencies: ["SafeFiles", "ImageFrames", "CNIfTI"]),
        .target(name: "Annotations", dependencies: ["SafeFiles", "ImageFrames"]),
        .target(
            name: "Segmentation",
            dependencies: [
                "Annotations", "Imaging", "PictureFiles", "SafeFiles", "ImageFrames", "SegmentAnything", "Tensors",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "Evaluation", dependencies: ["SafeFiles", "ImageFrames", "Imaging"]),
        .executableTarget(
            name: "swift-sam",
            dependencies: [
                "Annotations", "Checkpoints", "Evaluation", "ImageFrames", "Imaging", "Inspection", "PictureFiles",
                "SafeFiles",
                "SegmentAnything", "Segmentation", "Tensors",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // What test targets share. No product: a consumer does not build it.
        .target(name: "TestSupport", dependencies: ["SafeFiles", "Tensors"], path: "Tests/TestSupport"),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"]),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Checkpoints", "SafeFiles", "Tensors", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "PlainSamTests",
            dependencies: [
                "PlainSam", "SegmentAnything", "TestSupport", .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .testTarget(
            name: "SegmentAnythingTests",
            dependencies: [
                "PlainSam", "SegmentAnything", "TestSupport", .product(name: "Crypto", package: "swift-crypto"),
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "InspectionTests", dependencies: ["Inspection", "PictureFiles", "SafeFiles", "TestSupport"]),
        .testTarget(name: "SafeFilesTests", dependencies: ["SafeFiles", "TestSupport"]),
        .testTarget(
            name: "PictureFilesTests", dependencies: ["PictureFiles", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "AnnotationsTests", dependencies: ["Annotations", "SafeFiles", "ImageFrames", "TestSupport"]),
        .testTarget(
            name: "EvaluationTests", dependencies: ["Evaluation", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(name: "SegmentationTests", dependencies: ["PictureFiles", "Segmentation", "TestSupport"]),
        .testTarget(name: "CommandTests", dependencies: ["swift-sam", "Imaging", "Tensors", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)

// `tools/fuzz` alone builds it.
if Context.environment["SWIFT_SAM_FUZZ"] != nil {
    package.products.append(.executable(name: "fuzz", targets: ["fuzz"]))
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Annotations", "Checkpoints", "Evaluation", "ImageFrames", "Imaging", "PictureFiles", "SafeFiles",
            ],
            path: "tools/fuzzing", exclude: ["README.md", "seeds.py"]))
}
