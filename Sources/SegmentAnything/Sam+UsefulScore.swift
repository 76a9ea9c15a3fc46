import SafeFiles

extension Sam {
    /// The predicted IoU below which a mask is probably not what was meant: `useful_score` in the weights' metadata, from
    /// their calibration on held-out pictures; nil for weights that say nothing of it, the official ones among them.
    public var usefulScore: Float? { file.checkpoint.metadata["useful_score"].flatMap { Float($0) } }

    /// Says how many masks are probably not what was meant, of which model, and which weights do better.
    ///
    /// - Parameters:
    ///   - scores: the predicted IoU of each prompt's best mask.
    ///   - name: what the masks are of.
    /// - Returns: one warning, or none where all masks are useful, or nobody knows.
    public func warnings(aboutScores scores: [Float], of name: String) -> [Warning] {
        guard let usefulScore else { return [] }
        let low = scores.count { $0 < usefulScore }
        guard low > 0 else { return [] }
        let model = file.checkpoint.metadata["name"] ?? configuration.variant
        return [
            Warning(
                file: name,
                "masks that are probably not what was meant, by a predicted IoU below \(usefulScore): \(low) of "
                    + "\(scores.count). The model is \(model); SAM's ViT-B does better: "
                    + "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth (358 MB), named with --model"
            )
        ]
    }
}
