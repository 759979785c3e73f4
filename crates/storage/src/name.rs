use crate::StorageErrorKind;

/// The longest name, all components together: a quarter of Linux's `PATH_MAX` (4,096), so that any root
/// directory of sane depth still fits in front.
pub const MAX_NAME_BYTES: usize = 1024;

/// The longest component: `NAME_MAX` (255) less the prefix of a temporary file.
const MAX_COMPONENT_BYTES: usize = 255 - TEMPORARY_PREFIX.len();

/// Components that begin so are the storage's own temporary files; they are refused as names and not listed.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// Whether `name` is a relative name of a file: components of `[A-Za-z0-9._-]`, joined by `/`, none of them
/// empty, `.`, `..` or temporary.
///
/// The alphabet keeps names the same in shells, sidecars, URLs and object stores.
pub fn check_name(name: &str) -> Result<(), StorageErrorKind> {
    if name.is_empty() {
        return Err(StorageErrorKind::InvalidName { reason: "it is empty" });
    }
    check_directory(name)
}

/// As [`check_name`], but the empty name is the root directory.
pub fn check_directory(name: &str) -> Result<(), StorageErrorKind> {
    let refuse = |reason| Err(StorageErrorKind::InvalidName { reason });
    if name.is_empty() {
        return Ok(());
    }
    if name.len() > MAX_NAME_BYTES {
        return refuse("it is longer than 1,024 bytes");
    }
    for component in name.split('/') {
        if component.is_empty() {
            return refuse("it begins or ends with '/' or has two in a row");
        }
        if component == "." || component == ".." {
            return refuse("'.' and '..' are not allowed in it");
        }
        if component.len() > MAX_COMPONENT_BYTES {
            return refuse("a component is longer than 250 bytes");
        }
        if component.starts_with(TEMPORARY_PREFIX) {
            return refuse("names beginning with '.tmp-' are kept for temporary files");
        }
        if !component.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            return refuse("only ASCII letters, digits, '.', '_' and '-' are allowed in it");
        }
    }
    Ok(())
}
