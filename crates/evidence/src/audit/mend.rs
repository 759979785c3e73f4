//! Which single bit differs, found by trying all of them: where only a checksum or a signature knows what was there.

use super::bytes::Change;

/// The longest piece that is tried: with its checksum that is 65,536 times 8 KiB, a quarter of a second's hashing.
pub(super) const MAX_TRIED_BYTES: u64 = 8 * 1024;

/// Flips the one bit with which bytes are right, and says which it was; leaves them alone where there is none.
pub(super) fn mend(bytes: &mut [u8], mut is_right: impl FnMut(&[u8]) -> bool) -> Option<Change> {
    if bytes.len() as u64 > MAX_TRIED_BYTES {
        return None;
    }
    for offset in 0..bytes.len() {
        for bit in 0..8 {
            bytes[offset] ^= 1 << bit;
            if is_right(bytes) {
                return Some(Change::BitFlip { offset: offset as u64, bit });
            }
            bytes[offset] ^= 1 << bit;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_is_found_and_two_are_not() {
        let right = b"what was there".to_vec();
        for bit in 0..right.len() * 8 {
            let mut bytes = right.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let change = mend(&mut bytes, |tried| tried == right);
            let expected = Change::BitFlip { offset: bit as u64 / 8, bit: bit as u32 % 8 };
            assert_eq!((change, &bytes), (Some(expected), &right));
        }
        let mut bytes = right.clone();
        bytes[0] ^= 3;
        let before = bytes.clone();
        assert_eq!(mend(&mut bytes, |tried| tried == right), None);
        assert_eq!(bytes, before);
    }
}
