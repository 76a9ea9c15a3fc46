import SafeFiles

/// The members of a zip file that are stored without compression, as PyTorch writes all of them
/// (APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3; zip64 included).
struct ZipArchive {
    /// Where in the file each member's bytes are, by name.
    let members: [String: Range<Int>]

    static func isZip(_ file: MappedFile) -> Bool {
        file.integer(at: 0, as: UInt32.self) == 0x0403_4B50
    }

    /// - Throws: ``FileError`` `badData` where the directory is missing, contradicts itself or the file, or names a
    ///   member that is compressed or encrypted, or overlaps another.
    init(_ file: MappedFile) throws(FileError) {
        func bad(_ what: String, found: String? = nil) -> FileError {
            FileError(
                .badData, file: file.path, place: "zip directory", what, found: found,
                advice: "The file may be cut short: compare its size with the original's.")
        }
        /// The integer at `offset`, which must be inside the file.
        func read<Integer: FixedWidthInteger>(_ offset: Int, _ type: Integer.Type) throws(FileError) -> Int {
            guard let value = file.integer(at: offset, as: type), let result = Int(exactly: value) else {
                throw bad("cut short", found: "\(file.count) bytes")
            }
            return result
        }

        // The end record is 22 bytes and a comment of up to 65535.
        let lowest = max(0, file.count - 22 - 65535)
        guard
            let end = stride(from: file.count - 22, through: lowest, by: -1)
                .first(where: { file.integer(at: $0, as: UInt32.self) == 0x0605_4B50 })
        else { throw bad("missing") }
        var (count, start) = (try read(end + 10, UInt16.self), try read(end + 16, UInt32.self))
        if count == 0xFFFF || start == 0xFFFF_FFFF {
            guard try read(end - 20, UInt32.self) == 0x0706_4B50 else { throw bad("zip64 locator missing") }
            let end64 = try read(end - 12, UInt64.self)
            guard try read(end64, UInt32.self) == 0x0606_4B50 else { throw bad("zip64 record missing") }
            (count, start) = (try read(end64 + 32, UInt64.self), try read(end64 + 48, UInt64.self))
        }

        var members: [String: Range<Int>] = [:]
        var extents: [Range<Int>] = []
        var position = start
        for _ in 0..<count {
            guard try read(position, UInt32.self) == 0x0201_4B50 else { throw bad("entry missing") }
            let nameLength = try read(position + 28, UInt16.self)
            let extraLength = try read(position + 30, UInt16.self)
            let commentLength = try read(position + 32, UInt16.self)
            let next = position + 46 + nameLength + extraLength + commentLength
            guard next <= file.count else { throw bad("cut short") }
            let name = String(decoding: file[position + 46..<position + 46 + nameLength], as: UTF8.self)
            guard try read(position + 10, UInt16.self) == 0, try read(position + 8, UInt16.self) & 1 == 0 else {
                throw FileError(
                    .badData, file: file.path, place: name, "compressed or encrypted", expected: "stored",
                    advice: "Save it again with PyTorch's torch.save, which stores without compression.")
            }
            var size = try read(position + 20, UInt32.self)
            var header = try read(position + 42, UInt32.self)
            // The zip64 extra field holds 64-bit values for just those of the three that do not fit.
            var extra = position + 46 + nameLength
            while extra + 4 <= position + 46 + nameLength + extraLength {
                let (tag, length) = (try read(extra, UInt16.self), try read(extra + 2, UInt16.self))
                if tag == 1 {
                    var value = extra + 4
                    if try read(position + 24, UInt32.self) == 0xFFFF_FFFF { value += 8 }
                    if size == 0xFFFF_FFFF {
                        size = try read(value, UInt64.self)
                        value += 8
                    }
                    if header == 0xFFFF_FFFF { header = try read(value, UInt64.self) }
                }
                extra += 4 + length
            }
            guard header <= file.count - 30, try read(header, UInt32.self) == 0x0403_4B50 else {
                throw bad("entry without its member", found: name)
            }
            let data = header + 30 + (try read(header + 26, UInt16.self)) + (try read(header + 28, UInt16.self))
            guard data <= file.count, size <= file.count - data else {
                throw bad("member outside the file", found: name)
            }
            guard members.updateValue(data..<data + size, forKey: name) == nil else {
                throw bad("member twice", found: name)
            }
            extents.append(header..<data + size)
            position = next
        }
        extents.sort { $0.lowerBound < $1.lowerBound }
        guard zip(extents, extents.dropFirst()).allSatisfy({ $0.upperBound <= $1.lowerBound }) else {
            throw bad("members overlap")
        }
        self.members = members
    }
}
