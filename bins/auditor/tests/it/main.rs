//! The binary as auditors and scripts see it: exit codes, findings, proofs, and what it is made of.

mod archive;
mod interop;
mod made_of;
mod proving;
mod showing;
mod verifying;
