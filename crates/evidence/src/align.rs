//! Where a new answer goes on from the last one.
//!
//! The audit log only grows at its end, and an answer is its last entries. So the end of the last answer is
//! the beginning of the new one, and what follows is new. Identifiers are not unique and play no part.

/// For every prefix of `text`, the length of its longest proper border (Knuth, Morris and Pratt's table).
fn borders<T: PartialEq>(text: &[T]) -> Vec<usize> {
    let mut table = vec![0; text.len()];
    for at in 1..text.len() {
        let mut border = table[at - 1];
        while border > 0 && text[at] != text[border] {
            border = table[border - 1];
        }
        table[at] = if text[at] == text[border] { border + 1 } else { 0 };
    }
    table
}

/// Joins both with something between that equals neither, so that no border reaches across.
fn joined<T: Copy>(first: &[T], second: &[T]) -> Vec<Option<T>> {
    first.iter().copied().map(Some).chain([None]).chain(second.iter().copied().map(Some)).collect()
}

/// The lengths of all suffixes of `last` that are prefixes of `new`, longest first; 0 is left out.
pub(crate) fn overlaps<T: PartialEq + Copy>(last: &[T], new: &[T]) -> Vec<usize> {
    // Only this much can overlap, and the cut keeps the work linear in the shorter one.
    let shorter = last.len().min(new.len());
    let last = &last[last.len() - shorter..];
    let table = borders(&joined(&new[..shorter], last));
    let mut lengths = Vec::new();
    let mut border = table.last().copied().unwrap_or(0);
    while border > 0 {
        lengths.push(border);
        border = table[border - 1];
    }
    lengths
}

/// The length of the longest suffix of `last` that is a prefix of `new`.
pub(crate) fn overlap<T: PartialEq + Copy>(last: &[T], new: &[T]) -> usize {
    overlaps(last, new).first().copied().unwrap_or(0)
}

/// Where the last whole occurrence of `last` in `new` ends: for when a larger limit lets a new answer begin
/// before the last one did.
pub(crate) fn end_of_occurrence<T: PartialEq + Copy>(last: &[T], new: &[T]) -> Option<usize> {
    if last.is_empty() || last.len() > new.len() {
        return None;
    }
    let table = borders(&joined(last, new));
    let after = &table[last.len() + 1..];
    after.iter().rposition(|border| *border == last.len()).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::{end_of_occurrence, overlap, overlaps};

    #[test]
    fn the_longest_overlap_wins_and_equal_neighbours_count_each_time() {
        assert_eq!(overlap(&[1, 2, 3], &[2, 3, 4]), 2);
        assert_eq!(overlap(&[7, 7], &[7, 7, 7]), 2);
        assert_eq!(overlaps(&[7, 7], &[7, 7, 7]), [2, 1]);
        assert_eq!(overlap(&[1, 2], &[1, 2]), 2);
        assert_eq!(overlap(&[1, 2], &[3, 4]), 0);
        assert_eq!(overlap::<u8>(&[], &[1]), 0);
        assert_eq!(overlap::<u8>(&[1], &[]), 0);
        assert_eq!(overlap(&[1, 2, 3, 4, 5], &[4, 5]), 2);
    }

    #[test]
    fn an_overlap_is_not_any_common_part() {
        assert_eq!(overlap(&[1, 2, 3], &[1, 2]), 0);
        assert_eq!(overlap(&[1, 2, 1], &[1, 2, 1, 2]), 3);
        assert_eq!(overlap(&[2, 3], &[1, 2, 3, 4]), 0);
    }

    #[test]
    fn a_whole_occurrence_is_found_from_behind() {
        assert_eq!(end_of_occurrence(&[2, 3], &[1, 2, 3, 4]), Some(3));
        assert_eq!(end_of_occurrence(&[2], &[2, 1, 2, 4]), Some(3));
        assert_eq!(end_of_occurrence(&[2, 3], &[1, 2, 4]), None);
        assert_eq!(end_of_occurrence::<u8>(&[], &[1]), None);
    }
}
