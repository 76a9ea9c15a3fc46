/// The official weights, recognised by the size and the SHA-256 of their files.
public struct KnownWeights: Sendable {
    public let name: String
    /// Whose inference they are for, as a recipe names it: "SAM" or "MedSAM".
    public let kind: String
    /// The file's, in bytes.
    public let size: Int
    public let sha256: String
    public let licence: String

    public static let all = [
        KnownWeights(
            name: "SAM ViT-H, official (sam_vit_h_4b8939.pth)", kind: "SAM", size: 2_564_550_879,
            sha256: "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e", licence: "Apache-2.0"),
        KnownWeights(
            name: "SAM ViT-L, official (sam_vit_l_0b3195.pth)", kind: "SAM", size: 1_249_524_607,
            sha256: "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622", licence: "Apache-2.0"),
        KnownWeights(
            name: "SAM ViT-B, official (sam_vit_b_01ec64.pth)", kind: "SAM", size: 375_042_383,
            sha256: "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912", licence: "Apache-2.0"),
        KnownWeights(
            name: "MedSAM ViT-B, official (medsam_vit_b.pth)", kind: "MedSAM", size: 375_049_145,
            sha256: "34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74", licence: "Apache-2.0"),
    ]

    /// Those of a file's size and digest, which is computed only where the size is one of theirs.
    public static func recognised<Failure: Error>(
        among all: [KnownWeights] = all, size: Int, sha256: () throws(Failure) -> String
    ) throws(Failure) -> KnownWeights? {
        let candidates = all.filter { $0.size == size }
        if candidates.isEmpty { return nil }
        let digest = try sha256()
        return candidates.first { $0.sha256 == digest }
    }
}
