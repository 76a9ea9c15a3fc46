import Foundation

/// What a class's name says about where its organ lies.
package enum BodySide {
    case right
    case left

    /// By the word, by an initial l or r before a name, or because there is one such organ; nil where the name says nothing.
    package init?(of name: String, hasTwin: Bool) {
        let lower = name.lowercased()
        if lower.contains("right") {
            self = .right
        } else if lower.contains("left") {
            self = .left
        } else {
            switch lower.first {
            case "r" where hasTwin: self = .right
            case "l" where hasTwin: self = .left
            default:
                if lower.contains("liver") || lower.contains("gallbladder") {
                    self = .right
                } else if lower.contains("spleen") {
                    self = .left
                } else {
                    return nil
                }
            }
        }
    }
}

/// Whether an organ's middle lies in front of the kidneys' and the spleen's, or is one of these.
package enum BodyDepth {
    case front
    case back

    /// By the organ's name; nil where it is none of those that are known.
    package init?(of name: String) {
        let lower = name.lowercased()
        func isAny(_ words: String...) -> Bool { words.contains(where: lower.contains) }
        if isAny("kidney", "spleen", "vertebra", "spine") {
            self = .back
        } else if isAny("liver", "gallbladder", "stomach", "pancreas", "aorta", "cava") {
            self = .front
        } else {
            return nil
        }
    }
}

/// For each class the one whose name is the same but for left and right, as words or as an initial l and r.
package func twinClasses(_ names: [String]) -> [Int: Int] {
    let ids = Dictionary(zip(names.map { $0.lowercased() }, names.indices), uniquingKeysWith: min)
    var twins: [Int: Int] = [:]
    for (index, name) in names.enumerated() {
        let lower = name.lowercased()
        var mirrored: Set<String> = []
        if lower.contains("left") { mirrored.insert(lower.replacingOccurrences(of: "left", with: "right")) }
        if lower.contains("right") { mirrored.insert(lower.replacingOccurrences(of: "right", with: "left")) }
        if lower.hasPrefix("l") { mirrored.insert("r" + lower.dropFirst()) }
        if lower.hasPrefix("r") { mirrored.insert("l" + lower.dropFirst()) }
        if let twin = mirrored.compactMap({ ids[$0] }).min(), twin != index { twins[index] = twin }
    }
    return twins
}
