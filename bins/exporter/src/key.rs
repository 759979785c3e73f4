//! Keys in files that only their owner can read.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assurance_tlog::note::SigningKey;
use fs_err::os::unix::fs::OpenOptionsExt as _;

use crate::args::Keygen;
use crate::talk::{Exit, print, say};

/// A key is a few hundred bytes long.
const MAX_KEY_BYTES: u64 = 4096;

pub(crate) fn keygen(args: &Keygen) -> Exit {
    match create(&args.file, &args.origin) {
        Ok(key) => {
            print(&key.verifier_key().to_string());
            Exit::Done
        }
        Err(exit) => exit,
    }
}

/// Makes a key and keeps it in a file of its own.
pub(crate) fn create(file: &Path, origin: &str) -> Result<SigningKey, Exit> {
    let mut seed = [0; 32];
    fs_err::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut seed))
        .map_err(|error| failed(Exit::Storage, &error))?;
    let key = SigningKey::from_seed(origin, &seed).map_err(|error| failed(Exit::Usage, &error))?;
    seed.fill(0);
    let written = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut out| {
            out.write_all(key.encode().as_bytes())?;
            out.write_all(b"\n")?;
            out.sync_all()
        })
        .and_then(|()| sync_directory_of(file));
    match written {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            say(format_args!(
                "error: {}: there is a file already; a key is never overwritten",
                file.display()
            ));
            Err(Exit::Usage)
        }
        Err(error) => Err(failed(Exit::Storage, &error)),
    }
}

/// A key whose name is lost at a power cut would be a log that nobody can sign.
fn sync_directory_of(file: &Path) -> std::io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs_err::File::open(parent)?.sync_all()
}

/// Reads a key from a file that nobody else may read.
pub(crate) fn read(file: &Path) -> Result<SigningKey, Exit> {
    let mut handle = fs_err::File::open(file).map_err(|error| {
        say(format_args!("error: the log's key: {error}; name it with --key, or make one with `keygen`"));
        Exit::Usage
    })?;
    let mode = handle.metadata().map_err(|error| failed(Exit::Usage, &error))?.permissions().mode();
    if mode & strangers(file) != 0 {
        let (file, mode) = (file.display(), mode & 0o777);
        say(format_args!("error: {file}: others may use this key (mode {mode:03o}); chmod 600 {file}"));
        return Err(Exit::Usage);
    }
    let mut text = String::new();
    Read::take(&mut handle, MAX_KEY_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| failed(Exit::Usage, &error))?;
    text.trim_end().parse().map_err(|error: assurance_tlog::note::KeyError| {
        say(format_args!("error: {}: {error}", file.display()));
        Exit::Usage
    })
}

/// The rights that nobody but the owner may have. systemd lets the service read a credential by an access list, and
/// its mask shows as the group's right to read.
fn strangers(file: &Path) -> u32 {
    let credentials = crate::args::credentials_directory();
    if credentials.is_some_and(|directory| file.parent() == Some(&directory)) { 0o037 } else { 0o077 }
}

fn failed(exit: Exit, error: &dyn std::fmt::Display) -> Exit {
    say(format_args!("error: {error}"));
    exit
}
