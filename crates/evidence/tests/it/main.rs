//! Behaviour of collecting, publishing, verifying, and of all of them under crashes.

mod aligning;
mod answers;
mod backend;
mod crashing;
mod days;
mod exports;
mod following;
mod golden;
mod leaves;
mod rig;
mod scheduling;
mod sealing;
mod sealing_ahead;
mod sealing_crashes;
mod tallying;
mod verifying;
mod verifying_threads;
mod witnessing;
