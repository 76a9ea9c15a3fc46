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
    ///   - places: where each mask is, such as "liver on slice 3"; the three of the lowest scores are named.
    /// - Returns: one warning, or none where all masks are useful, or nobody knows.
    public func warnings(aboutScores scores: [Float], of name: String, places: [String] = []) -> [Warning] {
        guard let usefulScore else { return [] }
        let low = scores.indices.filter { scores[$0] < usefulScore }.sorted { (scores[$0], $0) < (scores[$1], $1) }
        guard !low.isEmpty else { return [] }
        let worst = places.isEmpty ? "" : " (the lowest: \(low.prefix(3).map { places[$0] }.joined(separator: ", ")))"
        let model = file.checkpoint.metadata["name"] ?? configuration.variant
        return [
            Warning(
                file: name,
                "probably not what was meant: \(low.count) of \(scores.count) masks, with a predicted IoU below "
                    + "\(usefulScore)\(worst). The model is \(model); SAM's ViT-B does better: "
                    + "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth (375 MB), named with --model"
            )
        ]
    }
}
