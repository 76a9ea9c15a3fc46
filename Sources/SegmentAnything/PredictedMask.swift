import ImageFrames
import Synchronization
import Tensors

/// One of the masks that answer a prompt.
public struct PredictedMask: Sendable {
    /// 0 for the single mask, 1…3 with multimask output.
    public let index: Int
    /// The IoU with the object that the model predicts.
    public let score: Float
    /// Logits as the decoder made them, `[4·grid, 4·grid]`, for use as a mask input. They keep no other mask's alive.
    public let lowResLogits: Tensor
    let transform: ImageTransform

    /// Logits at the original size, `[height, width]`; the mask is where they are above 0. With ``Scaling/square``, the
    /// log-odds of the interpolated probabilities.
    ///
    /// Computed at each use: those of many prompts on a large picture would fill the memory.
    public var logits: Tensor {
        let (height, width) = (transform.original.height, transform.original.width)
        return Tensor(shape: [height, width]) { result in
            transform.upscale(lowResLogits) { y, row in
                (result + y * width).update(from: row.baseAddress.unsafelyUnwrapped, count: width)
            }
        }
    }

    /// Where the logits are strictly above 0.
    public var mask: Mask { thresholded().mask }

    /// The IoU of the masks at thresholds +1 and −1 (`amg.py:156`); 0 where both are empty.
    public var stability: Double { thresholded().stability }

    /// ``mask`` and ``stability``, for the cost of one: rows of logits are compared as they are made, and not kept.
    ///
    /// - Parameter threshold: the mask is where logits are strictly above it, and stability is the IoU of the masks at
    ///   `threshold` + 1 and − 1 (the official `mask_threshold`).
    public func thresholded(at threshold: Float = 0) -> (mask: Mask, stability: Double) {
        let result = thresholded(at: threshold, offset: 1) { _, _ in false }
        return (result.mask, result.union == 0 ? 0 : Double(result.intersection) / Double(result.union))
    }

    /// The mask, and the areas of the masks at `threshold` ± `offset`.
    ///
    /// - Parameter isLost: whether the most that intersection and union can still become decide that the mask is not wanted;
    ///   then the rest of the rows is left out.
    func thresholded(
        at threshold: Float = 0, offset: Float, isLost: (_ intersection: Int, _ union: Int) -> Bool
    ) -> (mask: Mask, intersection: Int, union: Int) {
        let size = transform.original
        let intersection = Atomic(0)
        let union = Atomic(0)
        let (low, high) = (threshold - offset, threshold + offset)
        let rows = transform.rows(of: lowResLogits, above: min(low, threshold))
        let rest = Atomic(rows.count * size.width)
        func isDecided() -> Bool {
            let rest = rest.load(ordering: .acquiring)
            return isLost(
                intersection.load(ordering: .relaxed) + rest, union.load(ordering: .relaxed) + rest)
        }
        let values = [Bool](unsafeUninitializedCapacity: size.area) { buffer, count in
            buffer.initialize(repeating: false)
            nonisolated(unsafe) let values = buffer
            transform.upscale(lowResLogits, rows: rows, unless: isDecided) { y, row in
                var (above, notBelow) = (Int32(0), Int32(0))
                for x in row.indices {
                    values[y * size.width + x] = row[x] > threshold
                    above += row[x] > high ? 1 : 0
                    notBelow += row[x] > low ? 1 : 0
                }
                intersection.wrappingAdd(Int(above), ordering: .relaxed)
                union.wrappingAdd(Int(notBelow), ordering: .relaxed)
                // Last, so that what is left is never counted as less than it is.
                rest.wrappingSubtract(row.count, ordering: .releasing)
            }
            count = size.area
        }
        return (
            Mask(size: size, values: values), intersection.load(ordering: .relaxed), union.load(ordering: .relaxed)
        )
    }
}

extension [PredictedMask] {
    /// The mask of the highest predicted score; of equals, the first.
    public var best: PredictedMask? {
        self.reduce(nil) { best, mask in best.map { mask.score > $0.score ? mask : $0 } ?? mask }
    }
}
