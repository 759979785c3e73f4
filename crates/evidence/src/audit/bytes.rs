use std::io::{self, Read};

/// How much is compared at a time.
const READ_BYTES: usize = 64 * 1024;

/// In what way bytes differ from what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// One bit, `bit` 0 being the lowest.
    BitFlip { offset: u64, bit: u32 },
    /// The first `at` bytes are there.
    Truncated { at: u64 },
    /// Everything is there, and then `bytes` more.
    Appended { at: u64, bytes: u64 },
    /// `bytes` bytes differ, or lie behind the other's end; the first one is at `first`.
    Other { first: u64, bytes: u64 },
}

impl Change {
    pub(super) fn text(self) -> String {
        match self {
            Self::BitFlip { offset, bit } => format!("bit {bit} of byte {offset} is flipped"),
            Self::Truncated { at } => format!("it ends after {at} bytes"),
            Self::Appended { at, bytes } => format!("{bytes} bytes follow its end at {at}"),
            Self::Other { first, bytes } => format!("{bytes} bytes differ, the first at {first}"),
        }
    }
}

/// A comparison, and the line of the first difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) change: Change,
    /// From 1, counted in the sealed bytes.
    pub(super) line: u64,
}

/// Compares what is there with what was sealed; `None` where they are the same.
pub(super) fn difference(sealed: &mut dyn Read, found: &mut dyn Read) -> io::Result<Option<Difference>> {
    let (mut left, mut right) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
    let mut tally = Tally { line: 1, ..Tally::default() };
    loop {
        let (a, b) = (fill(sealed, &mut left)?, fill(found, &mut right)?);
        tally.add(&left[..a], &right[..b]);
        if a != b || a < READ_BYTES {
            // From here on at most one of them goes on.
            tally.sealed_rest += count(sealed, &mut left)?;
            tally.found_rest += count(found, &mut right)?;
            return Ok(tally.difference());
        }
    }
}

/// Whether two readers give the same.
pub(super) fn is_same(a: &mut dyn Read, b: &mut dyn Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
    loop {
        let (a, b) = (fill(a, &mut left)?, fill(b, &mut right)?);
        if left[..a] != right[..b] {
            return Ok(false);
        }
        if a < READ_BYTES {
            return Ok(true);
        }
    }
}

#[derive(Default)]
struct Tally {
    offset: u64,
    line: u64,
    first: Option<u64>,
    differing: u64,
    bits: u64,
    flipped: Option<u32>,
    sealed_rest: u64,
    found_rest: u64,
}

impl Tally {
    fn add(&mut self, sealed: &[u8], found: &[u8]) {
        let shared = sealed.len().min(found.len());
        if self.first.is_some() || sealed[..shared] != found[..shared] {
            for (at, (a, b)) in sealed[..shared].iter().zip(&found[..shared]).enumerate() {
                if a != b {
                    self.differing += 1;
                    self.bits += u64::from((a ^ b).count_ones());
                    if self.first.is_none() {
                        self.first = Some(self.offset + at as u64);
                        self.flipped = Some((a ^ b).trailing_zeros());
                    }
                }
                if self.first.is_none() && *a == b'\n' {
                    self.line += 1;
                }
            }
        } else {
            self.line += bytecount(&sealed[..shared]);
        }
        self.offset += shared as u64;
        self.sealed_rest += (sealed.len() - shared) as u64;
        self.found_rest += (found.len() - shared) as u64;
    }

    fn difference(self) -> Option<Difference> {
        let rest = self.sealed_rest + self.found_rest;
        let change = match (self.first, rest) {
            (None, 0) => return None,
            (None, _) if self.sealed_rest > 0 => Change::Truncated { at: self.offset },
            (None, _) => Change::Appended { at: self.offset, bytes: self.found_rest },
            (Some(offset), 0) if self.bits == 1 => {
                Change::BitFlip { offset, bit: self.flipped.unwrap_or_default() }
            }
            (Some(first), _) => Change::Other { first, bytes: self.differing + rest },
        };
        Some(Difference { change, line: self.line })
    }
}

fn bytecount(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Reads until the buffer is full or the end is reached.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

fn count(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        match reader.read(buffer)? {
            0 => return Ok(bytes),
            count => bytes += count as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sealed: &[u8], found: &[u8]) -> Option<Difference> {
        difference(&mut &sealed[..], &mut &found[..]).unwrap()
    }

    #[test]
    fn every_way_to_differ_has_its_name() {
        let sealed = b"first\nsecond\nthird\n";
        assert_eq!(of(sealed, sealed), None);
        let flip = of(sealed, b"first\nsecood\nthird\n").unwrap();
        assert_eq!(flip, Difference { change: Change::BitFlip { offset: 10, bit: 0 }, line: 2 });
        assert_eq!(of(sealed, b"first\nsec").unwrap().change, Change::Truncated { at: 9 });
        let longer = of(sealed, b"first\nsecond\nthird\nfourth\n").unwrap();
        assert_eq!(longer, Difference { change: Change::Appended { at: 19, bytes: 7 }, line: 4 });
        let other = of(sealed, b"first\nthird\n").unwrap();
        assert_eq!(other.change, Change::Other { first: 6, bytes: 13 });
        assert_eq!(other.line, 2);
    }

    #[test]
    fn differences_behind_the_first_piece_are_found() {
        let sealed = vec![b'\n'; 3 * READ_BYTES + 5];
        let mut found = sealed.clone();
        found[2 * READ_BYTES + 1] ^= 0x10;
        let difference = of(&sealed, &found).unwrap();
        let offset = 2 * READ_BYTES as u64 + 1;
        assert_eq!(difference.change, Change::BitFlip { offset, bit: 4 });
        assert_eq!(difference.line, offset + 1);
        found.truncate(2 * READ_BYTES);
        assert_eq!(of(&sealed, &found).unwrap().change, Change::Truncated { at: 2 * READ_BYTES as u64 });
    }

    #[test]
    fn the_same_is_the_same_to_the_last_byte() {
        for length in [0, 1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 2 * READ_BYTES] {
            let one = vec![7; length];
            let same = |other: &[u8]| is_same(&mut &one[..], &mut &other[..]).unwrap();
            assert!(same(&one));
            assert!(!same(&[&one[..], b"x"].concat()));
            if let Some(last) = length.checked_sub(1) {
                assert!(!same(&one[..last]));
                let mut other = one.clone();
                other[last] ^= 1;
                assert!(!same(&other));
            }
        }
    }
}
