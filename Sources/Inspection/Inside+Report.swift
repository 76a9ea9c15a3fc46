import Foundation

extension Inside {
    /// The page's numbers without its pictures. `inspect IMAGE --json` prints it.
    public struct Report: Encodable, Sendable {
        struct Prompt: Encodable {
            struct Layer: Encodable {
                let layer: String
                let inside: [Double]
            }

            struct Mask: Encodable {
                let index: Int
                let score: Float
                let stability: Double
                let area: Int
                let chosen: Bool
            }

            let prompt: String
            let region: String
            let regionShare: Double
            let tokens: [String]
            let layers: [Layer]
            let masks: [Mask]

            enum CodingKeys: String, CodingKey {
                case prompt, region, tokens, layers, masks
                case regionShare = "region_share"
            }
        }

        struct Without: Encodable {
            struct Change: Encodable {
                let prompt: Int
                let mask: Int
                let chosen: Bool
                let score: Float
                let scoreWithout: Float
                let intersectionOverUnion: Double

                enum CodingKeys: String, CodingKey {
                    case prompt, mask, chosen, score
                    case scoreWithout = "score_without"
                    case intersectionOverUnion = "iou"
                }
            }

            let part: String
            let masks: [Change]
        }

        let picture: String
        let model: String
        let prompts: [Prompt]
        let without: [Without]
        let seconds: [Seconds]
    }

    public var report: Report {
        Report(
            picture: picture.name, model: model.name,
            prompts: prompts.map { prompt in
                .init(
                    prompt: prompt.title, region: prompt.region, regionShare: prompt.regionShare,
                    tokens: prompt.tokens.map(\.name),
                    layers: prompt.layers.map { .init(layer: $0.title, inside: $0.inside) },
                    masks: prompt.masks.map {
                        .init(
                            index: $0.index, score: $0.score, stability: $0.stability, area: $0.area, chosen: $0.chosen)
                    })
            },
            without: ablations.map { ablation in
                .init(
                    part: ablation.part,
                    masks: ablation.prompts.enumerated().flatMap { number, changes in
                        changes.map {
                            .init(
                                prompt: number + 1, mask: $0.index, chosen: $0.chosenBefore, score: $0.before,
                                scoreWithout: $0.after, intersectionOverUnion: $0.intersectionOverUnion)
                        }
                    })
            }, seconds: seconds)
    }
}

extension Inside.Report {
    /// Tables for people, a head and rows each: what each token's attention finds, then what a part is the cause of.
    public var tables: [(title: String, rows: [[String]])] {
        func fixed(_ value: some BinaryFloatingPoint) -> String { String(format: "%.3f", Double(value)) }
        let shares = prompts.map { prompt in
            (
                title:
                    "prompt \(prompt.prompt): attention inside \(prompt.region), \(fixed(prompt.regionShare)) of all places",
                rows: [["layer"] + prompt.tokens] + prompt.layers.map { [$0.layer] + $0.inside.map(fixed) }
            )
        }
        let changes = without.map { ablation in
            (
                title: "without \(ablation.part)",
                rows: [["mask", "prompt", "predicted IoU", "without", "change", "IoU of the masks"]]
                    + ablation.masks.map {
                        [
                            "\($0.mask)\($0.chosen ? " (chosen)" : "")", "\($0.prompt)", fixed($0.score),
                            fixed($0.scoreWithout), fixed($0.scoreWithout - $0.score), fixed($0.intersectionOverUnion),
                        ]
                    }
            )
        }
        return shares + changes
    }
}
