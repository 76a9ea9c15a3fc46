// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Checkpoints
import Foundation

/// Rows of numbers: tokens of channels.
typealias Rows = [[Double]]

/// The layers of SAM in double precision, written down as the paper has them and nothing else, on a fixture's weights.
///
/// Each takes what the design's section 4 says as an argument, so that a test can also make the usual mistake.
struct PlainModel {
    let weights: Checkpoint

    init(_ fixture: Fixture) { weights = try! Checkpoint(path: Fixture.weights(fixture.model)) }

    func vector(_ name: String) -> [Double] { weights.tensor(name).values.map(Double.init) }

    /// A tensor with all its axes but the first as one.
    func rows(_ name: String) -> Rows { split(vector(name), vector(name).count / weights.entries[name]!.shape[0]) }

    // MARK: Layers

    func linear(_ x: Rows, _ path: String) -> Rows {
        let (weight, bias) = (rows("\(path).weight"), vector("\(path).bias"))
        return x.map { row in zip(weight, bias).map { $1 + dot($0, row) } }
    }

    func layerNorm(_ x: Rows, _ path: String, epsilon: Double) -> Rows {
        let (weight, bias) = (vector("\(path).weight"), vector("\(path).bias"))
        return x.map { row in
            let mean = row.reduce(0, +) / Double(row.count)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
            return row.indices.map { (row[$0] - mean) / (variance + epsilon).squareRoot() * weight[$0] + bias[$0] }
        }
    }

    /// A convolution whose kernel is its stride, of a square grid of tokens.
    func patches(_ x: Rows, _ path: String, kernel: Int) -> Rows {
        let side = Int(Double(x.count).squareRoot())
        let neighbours = (0..<x.count / kernel / kernel).map { place in
            let (y, x0) = place.quotientAndRemainder(dividingBy: side / kernel)
            return x[0].indices.flatMap { channel in
                (0..<kernel * kernel).map { x[(y * kernel + $0 / kernel) * side + x0 * kernel + $0 % kernel][channel] }
            }
        }
        return linear(neighbours, path)
    }

    /// A transposed convolution of kernel and stride 2, of a square grid of tokens.
    func doubled(_ x: Rows, _ path: String) -> Rows {
        let (weight, bias) = (rows("\(path).weight"), vector("\(path).bias"))
        let side = Int(Double(x.count).squareRoot())
        return (0..<4 * x.count).map { place in
            let (y, x0) = place.quotientAndRemainder(dividingBy: 2 * side)
            let (token, part) = (x[y / 2 * side + x0 / 2], y % 2 * 2 + x0 % 2)
            return bias.indices.map { output in
                token.indices.reduce(bias[output]) { $0 + token[$1] * weight[$1][4 * output + part] }
            }
        }
    }

    // MARK: Attention

    enum Padding { case bias, zero, masked }

    /// The encoder's attention, of the grid's tokens; the result is in windows, with zeros where there is no token.
    func windowedAttention(
        _ x: Rows, _ path: String, heads: Int, padding: Padding = .bias, relativeScale: Double = 1
    ) -> Rows {
        let grid = Int(Double(x.count).squareRoot())
        let (down, across) = (rows("\(path).rel_pos_h"), rows("\(path).rel_pos_w"))
        let window = (down.count + 1) / 2
        let channels = x[0].count
        let headDim = channels / heads
        let projected = linear(x, "\(path).qkv")
        let padded =
            padding == .bias ? vector("\(path).qkv.bias") : [Double](repeating: 0, count: 3 * channels)
        let windows = (grid + window - 1) / window
        var result: Rows = []
        for index in 0..<windows * windows {
            let places = (0..<window * window).map { token -> Int? in
                let y = index / windows * window + token / window
                let x = index % windows * window + token % window
                return y < grid && x < grid ? y * grid + x : nil
            }
            let tokens = places.map { $0.map { projected[$0] } ?? padded }
            var attended = Rows(repeating: [], count: tokens.count)
            for head in 0..<heads {
                func part(_ part: Int, _ token: Int) -> ArraySlice<Double> {
                    tokens[token][part * channels + head * headDim..<part * channels + (head + 1) * headDim]
                }
                for query in tokens.indices {
                    let scores = tokens.indices.map { key -> Double in
                        if padding == .masked, places[key] == nil { return -.infinity }
                        let y = query / window - key / window + window - 1
                        let x = query % window - key % window + window - 1
                        return dot(part(0, query), part(1, key)) / Double(headDim).squareRoot()
                            + relativeScale * (dot(part(0, query), down[y]) + dot(part(0, query), across[x]))
                    }
                    attended[query] += mix(scores, tokens.indices.map { part(2, $0) })
                }
            }
            result += zip(places, linear(attended, "\(path).proj")).map { place, row in
                place == nil ? [Double](repeating: 0, count: channels) : row
            }
        }
        return result
    }

    func decoderAttention(_ queries: Rows, _ keys: Rows, _ values: Rows, _ path: String) -> Rows {
        let (q, k, v) = (
            linear(queries, "\(path).q_proj"), linear(keys, "\(path).k_proj"), linear(values, "\(path).v_proj")
        )
        let headDim = q[0].count / 8
        let attended = q.map { query in
            (0..<8).flatMap { head -> [Double] in
                let part = head * headDim..<(head + 1) * headDim
                let scores = k.map { dot(query[part], $0[part]) / Double(headDim).squareRoot() }
                return mix(scores, v.map { $0[part] })
            }
        }
        return linear(attended, "\(path).out_proj")
    }

    // MARK: The two-way transformer

    struct TwoWay {
        var epsilon = 1e-5
        var activation: (Double) -> Double = { max($0, 0) }
        var firstHasResidual = false
        var firstAddsPositions = false
    }

    func twoWayBlock(
        _ layer: Int, queries: Rows, keys: Rows, queryPositions: Rows, keyPositions: Rows, _ options: TwoWay
    ) -> (queries: Rows, keys: Rows) {
        let path = "mask_decoder.transformer.layers.\(layer)"
        func norm(_ x: Rows, _ name: String) -> Rows { layerNorm(x, "\(path).\(name)", epsilon: options.epsilon) }
        var (queries, keys) = (queries, keys)
        let placed = layer > 0 || options.firstAddsPositions ? sum(queries, queryPositions) : queries
        let own = decoderAttention(placed, placed, queries, "\(path).self_attn")
        queries = norm(layer > 0 || options.firstHasResidual ? sum(queries, own) : own, "norm1")
        let seen = decoderAttention(
            sum(queries, queryPositions), sum(keys, keyPositions), keys, "\(path).cross_attn_token_to_image")
        queries = norm(sum(queries, seen), "norm2")
        let hidden = linear(queries, "\(path).mlp.lin1").map { $0.map(options.activation) }
        queries = norm(sum(queries, linear(hidden, "\(path).mlp.lin2")), "norm3")
        let told = decoderAttention(
            sum(keys, keyPositions), sum(queries, queryPositions), queries, "\(path).cross_attn_image_to_token")
        keys = norm(sum(keys, told), "norm4")
        return (queries, keys)
    }

    // MARK: Positions

    /// sin and cos of 2π·(2p − 1)·G, for a place from 0 to 1.
    func position(x: Double, y: Double) -> [Double] {
        let frequencies = rows("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix")
        let angles = zip(frequencies[0], frequencies[1]).map { 2 * .pi * ((2 * x - 1) * $0 + (2 * y - 1) * $1) }
        return angles.map(sin) + angles.map(cos)
    }

    /// Those of the centres of a grid's cells.
    func positions(grid: Int) -> Rows {
        (0..<grid * grid).map {
            position(x: (Double($0 % grid) + 0.5) / Double(grid), y: (Double($0 / grid) + 0.5) / Double(grid))
        }
    }
}

// MARK: - Arithmetic

func gelu(_ x: Double) -> Double { x / 2 * erfc(-x / 2.0.squareRoot()) }

/// The usual approximation of GELU by the hyperbolic tangent.
func geluByTanh(_ x: Double) -> Double { x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) }

func split<Element>(_ values: [Element], _ length: Int) -> [[Element]] {
    stride(from: 0, to: values.count, by: length).map { Array(values[$0..<$0 + length]) }
}

/// The sums of two matrices' elements.
func sum(_ left: Rows, _ right: Rows) -> Rows {
    precondition(left.count == right.count)
    return zip(left, right).map { zip($0, $1).map { $0 + $1 } }
}

private func dot(_ a: some Collection<Double>, _ b: some Collection<Double>) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

/// The values weighed by the softmax of the scores.
private func mix(_ scores: [Double], _ values: [ArraySlice<Double>]) -> [Double] {
    let largest = scores.max()!
    let powers = scores.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return values[0].indices.map { index in
        let offset = index - values[0].startIndex
        return zip(powers, values).reduce(0) { $0 + $1.0 / sum * $1.1[$1.1.startIndex + offset] }
    }
}
