//! Floats in files that are no decimals: each timestamp as the zigzag varint of its delta's delta, then the
//! value xor its predecessor as one byte (empty bytes at the top in the high nibble, bytes that follow in the low
//! one) and those bytes. The first value stands as it is.

use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};

/// Appends floats, the first of them at the chunk's first time.
pub(super) fn put_floats(out: &mut Vec<u8>, times: &[i64], values: &[f64]) {
    let Some((first, last)) = values.first().zip(times.first()) else { return };
    out.extend_from_slice(&first.to_bits().to_le_bytes());
    let (mut bits, mut last, mut last_delta) = (first.to_bits(), *last, 0_i64);
    for (at, value) in times.iter().zip(values).skip(1) {
        // Wraps, and so does the way back: exact also between the ends of the range.
        let delta = at.wrapping_sub(last);
        put_varint(out, zigzag(delta.wrapping_sub(last_delta)));
        put_xor(out, value.to_bits() ^ bits);
        (bits, last, last_delta) = (value.to_bits(), *at, delta);
    }
}

/// Walks through floats once, so that reading them can do without checks; the last time, or `None` where
/// they are not as they should be.
pub(super) fn check(bytes: &[u8], first: i64, count: u16) -> Option<i64> {
    let mut from = Cursor::new(bytes);
    from.u64()?;
    let (mut last, mut last_delta) = (first, 0_i64);
    for _ in 1..count {
        last_delta = last_delta.wrapping_add(unzigzag(from.varint()?));
        last = last.wrapping_add(last_delta);
        let head = from.byte()?;
        if head == 0 {
            continue;
        }
        let (above, width) = (usize::from(head >> 4), usize::from(head & 0x0f));
        8_usize.checked_sub(above)?.checked_sub(width)?;
        from.take(width)?;
        if width == 0 {
            return None;
        }
    }
    from.is_empty().then_some(last)
}

/// Gives each float to `each`, until it says `false`.
#[inline]
pub(super) fn read(bytes: &[u8], first: i64, count: u16, mut each: impl FnMut(i64, f64) -> bool) {
    let mut rest = Reader::new(bytes, 8);
    let mut bits = first_bits(bytes);
    let mut at = first;
    let mut delta: i64 = 0;
    let mut more = each(first, f64::from_bits(bits));
    for _ in 1..count {
        if !more {
            return;
        }
        delta = delta.wrapping_add(unzigzag(rest.varint()));
        at = at.wrapping_add(delta);
        bits ^= rest.xor();
        more = each(at, f64::from_bits(bits));
    }
}

fn first_bits(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    head.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(head)
}

/// Zero is the byte 0. Otherwise the bytes from the first to the last that is not zero.
pub(super) fn put_xor(out: &mut Vec<u8>, xor: u64) {
    if xor == 0 {
        out.push(0);
        return;
    }
    let above = xor.leading_zeros() / 8;
    let below = xor.trailing_zeros() / 8;
    let width = 8 - above - below;
    out.push((above << 4 | width) as u8);
    let bytes = (xor >> (below * 8)).to_le_bytes();
    out.extend_from_slice(&bytes[..width as usize]);
}

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> u8 {
        let byte = self.bytes[self.at];
        self.at += 1;
        byte
    }

    #[inline]
    pub(super) fn varint(&mut self) -> u64 {
        let first = self.byte();
        if first < 0x80 { u64::from(first) } else { self.long_varint(first) }
    }

    fn long_varint(&mut self, first: u8) -> u64 {
        let mut value = u64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }

    #[inline]
    pub(super) fn xor(&mut self) -> u64 {
        let head = self.byte();
        if head == 0 {
            return 0;
        }
        let (above, width) = (u32::from(head >> 4), u32::from(head & 0x0f));
        let word = match self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            // One load where eight bytes are left; what belongs to the samples after it is cut off.
            Some(eight) => u64::from_le_bytes(*eight) & (u64::MAX >> (64 - 8 * width)),
            None => {
                let mut eight = [0; 8];
                let rest = &self.bytes[self.at..self.at + width as usize];
                eight[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(eight)
            }
        };
        self.at += width as usize;
        word << (8 * (8 - above - width))
    }
}
