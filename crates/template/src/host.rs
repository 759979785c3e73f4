//! `stripPort` and `stripDomain`: what Go's `net.SplitHostPort` makes of an instance label.

use std::net::IpAddr;

/// Host and port, or `None` where Go reports an error.
fn split(address: &str) -> Option<(&str, &str)> {
    let colon = address.rfind(':')?;
    let port = &address[colon + 1..];
    let host = if let Some(rest) = address.strip_prefix('[') {
        let end = rest.find(']')?;
        // The port's colon must follow the bracket at once.
        if end + 2 != colon {
            return None;
        }
        &rest[..end]
    } else {
        let host = &address[..colon];
        if host.contains(':') {
            return None;
        }
        host
    };
    let stray = |text: &str| text.contains(['[', ']']);
    (!stray(host) && !stray(port)).then_some((host, port))
}

/// `a.example:9090` is `a.example`; what is no host and port stays as it is.
pub(crate) fn strip_port(address: &str) -> &str {
    split(address).map_or(address, |(host, _port)| host)
}

/// `a.example:9090` is `a:9090`; addresses stay as they are.
pub(crate) fn strip_domain(address: &str) -> String {
    let (host, port) = split(address).unwrap_or((address, ""));
    if host.parse::<IpAddr>().is_ok() {
        return address.to_owned();
    }
    let name = host.split('.').next().unwrap_or_default();
    if port.is_empty() {
        name.to_owned()
    } else if name.contains(':') {
        format!("[{name}]:{port}")
    } else {
        format!("{name}:{port}")
    }
}

/// The path of a URL, without query and fragment, as Go's `url.Parse` gives it for `pathPrefix`.
pub(crate) fn path_of(url: &str) -> &str {
    let rest = url.split(['?', '#']).next().unwrap_or_default();
    let Some((_scheme, rest)) = rest.split_once("://") else { return rest };
    rest.find('/').map_or("", |at| &rest[at..])
}
