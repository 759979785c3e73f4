/// Cells of the table of a comparison: lists that need more are told one after the other.
const MAX_CELLS: usize = 1 << 20;

/// Two lists as one: what only the first has (`-`), what only the second has (`+`), and what both have.
pub(super) fn lines<'a>(old: &'a [String], new: &'a [String]) -> Vec<(char, &'a str)> {
    let (rows, columns) = (old.len() + 1, new.len() + 1);
    if rows.saturating_mul(columns) > MAX_CELLS {
        let old = old.iter().map(|line| ('-', line.as_str()));
        return old.chain(new.iter().map(|line| ('+', line.as_str()))).collect();
    }
    // How many lines the rests after each pair of places have in common.
    let mut common = vec![0_usize; rows * columns];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            common[i * columns + j] = if a == b {
                common[(i + 1) * columns + j + 1] + 1
            } else {
                common[(i + 1) * columns + j].max(common[i * columns + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                out.push((' ', a.as_str()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || common[(i + 1) * columns + j] >= common[i * columns + j + 1] => {
                out.push(('-', a.as_str()));
                i += 1;
            }
            (_, Some(b)) => {
                out.push(('+', b.as_str()));
                j += 1;
            }
            _ => return out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_stands_once() {
        let list = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let shown = |a: &str, b: &str| {
            lines(&list(a), &list(b))
                .into_iter()
                .map(|(sign, line)| format!("{sign}{line}"))
                .collect::<String>()
        };
        assert_eq!(shown("abc", "abc"), " a b c");
        assert_eq!(shown("abc", "axc"), " a-b+x c");
        assert_eq!(shown("", "ab"), "+a+b");
        assert_eq!(shown("ab", ""), "-a-b");
        assert_eq!(shown("abcd", "bxd"), "-a b-c+x d");
    }
}
