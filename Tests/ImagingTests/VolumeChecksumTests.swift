import Foundation
import TestSupport
import Testing

@testable import Imaging

/// Held to the check value of CRC-32, that of the nine digits (RFC 1952's polynomial).
@Suite struct VolumeChecksumTests {
    let folder = Folder()

    @Test func compressedOrNot() throws {
        let plain = folder.write("v.nii", "123456789")
        #expect(try checksum(ofVolume: plain) == "cbf43926")
        // By `printf 123456789 | gzip -n`.
        let packed: [UInt8] = [
            0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x33, 0x34, 0x32, 0x36, 0x31, 0x35, 0x33, 0xB7, 0xB0, 4, 0, 0x26, 0x39,
            0xF4,
            0xCB, 9, 0, 0, 0,
        ]
        #expect(try checksum(ofVolume: folder.write("v.nii.gz", Data(packed))) == "cbf43926")
        #expect(try checksum(ofVolume: folder.write("empty.nii", "")) == "00000000")
    }
}
