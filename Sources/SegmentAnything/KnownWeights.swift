/// The official weights, recognised by the SHA-256 of their files.
public struct KnownWeights: Sendable {
    public let name: String
    public let licence: String

    public static let bySHA256: [String: KnownWeights] = [
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e":
            KnownWeights(name: "SAM ViT-H, official (sam_vit_h_4b8939.pth)", licence: "Apache-2.0"),
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622":
            KnownWeights(name: "SAM ViT-L, official (sam_vit_l_0b3195.pth)", licence: "Apache-2.0"),
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912":
            KnownWeights(name: "SAM ViT-B, official (sam_vit_b_01ec64.pth)", licence: "Apache-2.0"),
        "34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74":
            KnownWeights(name: "MedSAM ViT-B, official (medsam_vit_b.pth)", licence: "Apache-2.0"),
    ]
}
