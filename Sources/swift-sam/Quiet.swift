/// A command that prints nothing but errors, and what `--json` asks for, where `quiet` says so: every one.
protocol Quietable {
    var quiet: Bool { get }
}

/// What commands print.
enum Output {
    /// Whether the command that runs is quiet.
    @TaskLocal static var isQuiet = false
}

extension Activations: Quietable { var quiet: Bool { options.quiet } }
extension AgreementOfAnnotations: Quietable {}
extension Bench: Quietable { var quiet: Bool { options.quiet } }
extension CheckAnnotations: Quietable {}
extension Compare: Quietable {}
extension Convert: Quietable {}
extension CoverageOfAnnotations: Quietable {}
extension Demo: Quietable {}
extension Encode: Quietable { var quiet: Bool { options.quiet } }
extension Evaluate: Quietable {}
extension ExportNNUNet: Quietable {}
extension MergeAnnotations: Quietable {}
extension Model: Quietable {}
extension Predict: Quietable { var quiet: Bool { options.quiet } }
extension Precompute: Quietable { var quiet: Bool { options.quiet } }
extension Segment: Quietable { var quiet: Bool { options.quiet } }
extension Slices: Quietable {}
extension Status: Quietable { var quiet: Bool { segment.options.quiet } }
extension Summarize: Quietable {}
