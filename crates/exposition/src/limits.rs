/// Bounds on what a body may hold. Crossing one is an error at the place, never a silent cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest body in bytes. 256 MiB: two million series of 128 bytes, twice what one target of any
    /// sensible size has.
    pub max_body_bytes: usize,
    /// Longest entry in bytes, its line feed included. 1 MiB: 128 labels of 8 KiB.
    pub max_line_bytes: usize,
    /// Most labels of one sample, its name not counted. 256: four times the largest sets that exporters of
    /// Kubernetes labels and annotations produce.
    pub max_labels: usize,
    /// Longest metric or label name in bytes. 1 KiB: names are words.
    pub max_name_bytes: usize,
    /// Longest label value in bytes, as written. 64 KiB: a stack trace or an URL, but no file.
    pub max_label_value_bytes: usize,
    /// How many errors [`parse`](crate::parse()) collects before it gives up. 100: nobody reads more, and a
    /// body of broken lines must not cost more memory than it has bytes.
    pub max_errors: usize,
}

impl Limits {
    /// The bounds that hold where nothing else is said.
    pub const DEFAULT: Self = Self {
        max_body_bytes: 256 << 20,
        max_line_bytes: 1 << 20,
        max_labels: 256,
        max_name_bytes: 1 << 10,
        max_label_value_bytes: 64 << 10,
        max_errors: 100,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
