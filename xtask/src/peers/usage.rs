//! What the kernel says a process used.

use std::path::Path;

use super::process::Peer;

/// MiB of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// What of it is the process's own; the rest is files: its text, and what it maps.
    pub(crate) anonymous: f64,
    /// The most that was ever resident.
    pub(crate) peak: f64,
}

impl Peer {
    /// Seconds of CPU used so far, by the process and its threads, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Result<f64, String> {
        let stat = self.kernel("stat")?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let tick = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
        // Fields 14 and 15 of proc(5), in ticks of 10 ms.
        Ok((tick(11) + tick(12)) / 100.0)
    }

    pub(crate) fn memory(&self) -> Result<Memory, String> {
        let rollup = self.kernel("smaps_rollup")?;
        let mib = |text: &str, name: &str| field(text, name).map(|kib| kib / 1024.0);
        let resident = mib(&rollup, "Rss:").ok_or("the process has ended")?;
        let anonymous = mib(&rollup, "Anonymous:").unwrap_or_default();
        let peak = mib(&self.kernel("status")?, "VmHWM:").unwrap_or_default();
        Ok(Memory { resident, anonymous, peak })
    }

    /// Bytes written so far: to files, and what little it sends.
    pub(crate) fn written(&self) -> Result<f64, String> {
        Ok(field(&self.kernel("io")?, "wchar:").unwrap_or_default())
    }

    fn kernel(&self, file: &str) -> Result<String, String> {
        fs_err::read_to_string(format!("/proc/{}/{file}", self.id())).map_err(|error| error.to_string())
    }
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Bytes of all files below a folder, by their length, without those of the names given.
pub(crate) fn bytes_below(folder: &Path, without: &[&str]) -> Result<u64, String> {
    let mut sum = 0;
    for entry in fs_err::read_dir(folder).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        if without.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let kind = entry.metadata().map_err(|error| error.to_string())?;
        sum += if kind.is_dir() { bytes_below(&entry.path(), without)? } else { kind.len() };
    }
    Ok(sum)
}

/// The machine, in a line.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs_err::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("a processor", |(_, name)| name);
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let gib = field(&read("/proc/meminfo"), "MemTotal:").unwrap_or_default() / 1024.0 / 1024.0;
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{count} × {model}, {gib:.0} GiB, Linux {}", kernel.trim())
}

/// How many processes wanted to run in the last minute: above the number of processors, latencies mean little.
pub(crate) fn load_average() -> String {
    let text = fs_err::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_summed_by_length_and_names_left_out() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, bytes: usize| {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs_err::write(path, vec![0; bytes]).expect("written");
        };
        write("a", 10);
        write("b/c", 200);
        write("b/cache/d", 3000);
        assert_eq!(bytes_below(folder.path(), &[]), Ok(3210));
        assert_eq!(bytes_below(folder.path(), &["cache"]), Ok(210));
        assert_eq!(field("VmHWM:\t  12 kB\nRss: 7 kB", "Rss:"), Some(7.0));
        assert_eq!(field("", "Rss:"), None);
    }
}
