import SafeFiles

/// The members of a zip file (APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3; zip64 included): stored, as PyTorch and NumPy
/// write them, or deflated, as a file is that was packed anew.
struct ZipArchive {
    struct Member {
        /// Where in the file its bytes are.
        var range: Range<Int>
        /// Of its contents, and of its bytes in the file where these are not deflated.
        var size: Int
        var checksum: UInt32
        var isDeflated: Bool
    }

    let file: FileBytes
    let members: [String: Member]

    static func isZip(_ file: FileBytes) -> Bool {
        file.integer(at: 0, as: UInt32.self) == 0x0403_4B50
    }

    /// - Throws: ``FileError`` `badData` where the directory is missing, contradicts itself or the file, or names a
    ///   member that is encrypted or compressed by another method than Deflate, or overlaps another.
    init(_ file: FileBytes) throws(FileError) {
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

        var members: [String: Member] = [:]
        var inflatedSize = 0
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
            let method = try read(position + 10, UInt16.self)
            guard [0, 8].contains(method), try read(position + 8, UInt16.self) & 1 == 0 else {
                throw FileError(
                    .badData, file: file.path, place: name, "encrypted, or compressed by an unusual method",
                    expected: "stored or deflated", advice: "Unpack it and pack it anew, or save it again.")
            }
            var size = try read(position + 20, UInt32.self)
            var contents = try read(position + 24, UInt32.self)
            var header = try read(position + 42, UInt32.self)
            // The zip64 extra field holds 64-bit values for just those of the three that do not fit.
            var extra = position + 46 + nameLength
            while extra + 4 <= position + 46 + nameLength + extraLength {
                let (tag, length) = (try read(extra, UInt16.self), try read(extra + 2, UInt16.self))
                if tag == 1 {
                    var value = extra + 4
                    if contents == 0xFFFF_FFFF {
                        contents = try read(value, UInt64.self)
                        value += 8
                    }
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
            let member = Member(
                range: data..<data + size, size: contents,
                checksum: UInt32(truncatingIfNeeded: try read(position + 16, UInt32.self)), isDeflated: method == 8)
            guard members.updateValue(member, forKey: name) == nil else { throw bad("member twice", found: name) }
            if member.isDeflated { inflatedSize = inflatedSize.addingReportingOverflow(contents).partialValue }
            // Weights deflate by a tenth. A sum that overflows is negative.
            try Limit.inflated.check(
                inflatedSize < 0 ? .max : inflatedSize, of: file.path, "members inflate to too much", factor: 16,
                fileSize: file.count)
            extents.append(header..<data + size)
            position = next
        }
        extents.sort { $0.lowerBound < $1.lowerBound }
        guard zip(extents, extents.dropFirst()).allSatisfy({ $0.upperBound <= $1.lowerBound }) else {
            throw bad("members overlap")
        }
        self.file = file
        self.members = members
    }

    /// The contents of a member, inflated where it is deflated; nil where there is none of that name.
    ///
    /// - Throws: ``FileError`` `badData` where it is longer than `limit`, or does not inflate to what the directory says.
    func contents(of name: String, limit: Limit? = nil) throws(FileError) -> FileSlice? {
        guard let member = members[name] else { return nil }
        let slice = FileSlice(file: file, range: member.range)
        let size = member.isDeflated ? member.size : slice.range.count
        try limit?.check(size, of: file.path, place: name)
        if !member.isDeflated { return slice }
        guard let inflated = FileBytes(inflating: slice, to: size, checksum: member.checksum) else {
            throw FileError(
                .badData, file: file.path, place: name, "does not inflate to what the zip directory says",
                expected: "\(size) bytes of one checksum", advice: "The file is damaged: get it anew.")
        }
        return FileSlice(file: inflated, range: 0..<size)
    }
}
