//! Protobuf's wire format, read in place.

use crate::{DecodeError, WireFault};

/// A field's bytes, by how they are encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(Reader<'a>),
    Fixed32,
}

/// Reads the fields of one message, which may lie within another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Where `rest` begins in the whole message.
    at: usize,
    /// What is read, for errors.
    of: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8], of: &'static str) -> Self {
        Self { rest: message, at: 0, of }
    }

    /// The same bytes as a message of this name.
    pub(crate) fn named(self, of: &'static str) -> Self {
        Self { of, ..self }
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn fault(&self, fault: WireFault) -> DecodeError {
        DecodeError::Wire { at: self.at, of: self.of, fault }
    }

    /// The next field and its payload, or `None` at the end.
    pub(crate) fn field(&mut self) -> Result<Option<(u32, Payload<'a>)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let begin = *self;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| (1..1 << 29).contains(n));
        let number = number.ok_or_else(|| begin.fault(WireFault::FieldNumber))?;
        let payload = match (tag & 7) as u8 {
            0 => Payload::Varint(self.varint()?),
            1 => Payload::Fixed64(self.fixed64()?),
            2 => {
                let length = self.varint()?;
                let inside = Self { at: self.at, ..*self };
                let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
                Payload::Bytes(Self { rest: bytes, ..inside })
            }
            5 => {
                self.take(4)?;
                Payload::Fixed32
            }
            wire_type => return Err(begin.fault(WireFault::WireType { wire_type })),
        };
        Ok(Some((number, payload)))
    }

    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (n, byte) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if n == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * n);
            if *byte < 0x80 {
                self.advance(n + 1);
                return Ok(value);
            }
        }
        Err(self.fault(if self.rest.len() < 10 { WireFault::Truncated } else { WireFault::LongVarint }))
    }

    pub(crate) fn fixed64(&mut self) -> Result<u64, DecodeError> {
        match self.rest.first_chunk::<8>() {
            Some(eight) => {
                let value = u64::from_le_bytes(*eight);
                self.advance(8);
                Ok(value)
            }
            None => Err(self.fault(WireFault::Truncated)),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((taken, _)) => {
                self.advance(length);
                Ok(taken)
            }
            None => Err(self.fault(WireFault::Truncated)),
        }
    }

    fn advance(&mut self, length: usize) {
        self.rest = &self.rest[length..];
        self.at += length;
    }

    /// The payload's number, for a field of an integer type.
    pub(crate) fn number(&self, field: u32, payload: Payload<'a>) -> Result<u64, DecodeError> {
        match payload {
            Payload::Varint(value) => Ok(value),
            _ => Err(self.fault(WireFault::FieldType { field })),
        }
    }

    pub(crate) fn double(&self, field: u32, payload: Payload<'a>) -> Result<f64, DecodeError> {
        match payload {
            Payload::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.fault(WireFault::FieldType { field })),
        }
    }

    pub(crate) fn message(
        &self,
        field: u32,
        payload: Payload<'a>,
        of: &'static str,
    ) -> Result<Self, DecodeError> {
        match payload {
            Payload::Bytes(inside) => Ok(inside.named(of)),
            _ => Err(self.fault(WireFault::FieldType { field })),
        }
    }
}

pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Writes protobuf.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A number, left out where it is 0, as protobuf does.
    pub(crate) fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.always_number(field, value);
        }
    }

    /// A number that is written also where it is 0: one of a choice.
    pub(crate) fn always_number(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field) << 3);
        self.varint(value);
    }

    /// A float, left out where it is the positive zero.
    pub(crate) fn double(&mut self, field: u32, value: f64) {
        if value.to_bits() != 0 {
            self.always_double(field, value);
        }
    }

    pub(crate) fn always_double(&mut self, field: u32, value: f64) {
        self.varint(u64::from(field) << 3 | 1);
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    pub(crate) fn field(&mut self, field: u32, content: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(content.len() as u64);
        self.bytes.extend_from_slice(content);
    }
}
