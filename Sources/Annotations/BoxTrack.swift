import ImageFrames

/// The boxes of one organ over the slices, linked by their place whatever class they say.
///
/// A box that says another class than most of its track has that class's place; a short track beside the longest one of its
/// class lies apart from it.
struct BoxTrack {
    struct Link {
        var slice: Int
        var box: DrawnBox
        /// The class that counts for the track: the box's own, unless left and right are known to be exchanged there.
        var classID: Int
    }

    private(set) var links: [Link]
    /// What most of the boxes say; of several, what was said first.
    private(set) var majority: Int
    private var counts: [Int: Int]

    private init(_ link: Link) {
        (links, majority, counts) = ([link], link.classID, [link.classID: 1])
    }

    private var last: Link { links[links.count - 1] }
    var slices: ClosedRange<Int> { links[0].slice...last.slice }

    private mutating func append(_ link: Link) {
        links.append(link)
        counts[link.classID, default: 0] += 1
        if counts[link.classID, default: 0] > counts[majority, default: 0] { majority = link.classID }
    }
}

// MARK: Linking

extension BoxTrack {
    /// Links the boxes of each slice with those of the slices before: the pairs that overlap most first.
    ///
    /// A box of the track's own class joins it where half of the smaller box lies within the larger, as in organs that
    /// grow fast; one of another class joins it only where the two are almost the same box.
    ///
    /// - Parameters:
    ///   - slices: in order, none with more boxes than can be compared with each other.
    ///   - step: from one drawn slice to the next.
    ///   - classID: the class that counts for a box on a slice.
    static func tracks(
        of slices: [SliceBoxes], step: Int, classID: (_ box: DrawnBox, _ slice: Int) -> Int
    ) -> [BoxTrack] {
        var tracks: [BoxTrack] = []
        var live: [Int] = []
        for slice in slices {
            let links = slice.boxes.map { Link(slice: slice.slice, box: $0, classID: classID($0, slice.slice)) }
            live = live.filter { slice.slice - tracks[$0].last.slice <= longestGap * step }.suffix(mostTracks)
            var pairs: [(score: Double, track: Int, link: Int)] = []
            for track in live {
                for (index, link) in links.enumerated() {
                    if let score = tracks[track].score(of: link, step: step) { pairs.append((score, track, index)) }
                }
            }
            pairs.sort { ($1.score, $0.track, $0.link) < ($0.score, $1.track, $1.link) }
            var (linked, extended): (Set<Int>, Set<Int>) = ([], [])
            for (_, track, index) in pairs where !linked.contains(index) && !extended.contains(track) {
                tracks[track].append(links[index])
                linked.insert(index)
                extended.insert(track)
            }
            for (index, link) in links.enumerated() where !linked.contains(index) {
                live.append(tracks.count)
                tracks.append(BoxTrack(link))
            }
            live.sort { (tracks[$0].last.slice, $0) < (tracks[$1].last.slice, $1) }
        }
        return tracks
    }

    /// How well a box goes on from the last one; nil where it does not.
    private func score(of link: Link, step: Int) -> Double? {
        let distance = (link.slice - last.slice + step - 1) / step
        let overlap = last.box.box.intersectionOverUnion(link.box.box)
        if link.classID == majority {
            return last.box.box.isNear(link.box.box, distance: distance) ? overlap + Self.ownClassBonus : nil
        }
        return distance <= 2 && overlap >= Self.foreignOverlap ? overlap : nil
    }

    /// The most steps without a box over which a track goes on.
    private static let longestGap = 10
    /// The most tracks that are compared with each slice's boxes.
    private static let mostTracks = 1000
    /// Two organs can overlap by a third; an organ that is small or grows fast may overlap itself by no more.
    private static let foreignOverlap = 0.35
    private static let ownClassBonus = 0.25
}

extension PixelBox {
    /// Whether half of the smaller of two boxes lies within the larger; both grow by 15% of a side for each step between
    /// them beyond the first. On neighbouring slices of the study's own 262 boxes the least share is 0.7.
    func isNear(_ other: PixelBox, distance: Int = 1) -> Bool {
        let drift = 0.15 * Double(distance - 1)
        let (margin, otherMargin) = (drift * min(width, height), drift * min(other.width, other.height))
        return grown(by: margin).coverage(other.grown(by: otherMargin)) >= 0.5
    }

    private func grown(by margin: Double) -> PixelBox {
        PixelBox(x0: x0 - margin, y0: y0 - margin, x1: x1 + margin, y1: y1 + margin)
    }
}
