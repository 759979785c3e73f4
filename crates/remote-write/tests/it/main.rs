//! Messages in and out, held against prost's reading of them, and hostile bytes.

mod bounds;
mod hostile;
mod messages;
mod oracle;

use assurance_remote_write::{DecodeError, Limits, WriteRequest};
use prost::Message as _;

pub(crate) fn decode(message: &oracle::WriteRequest) -> Result<WriteRequest, DecodeError> {
    assurance_remote_write::decode(&compressed(&message.encode_to_vec()), &Limits::default())
}

pub(crate) fn compressed(message: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(message).expect("a short message")
}
