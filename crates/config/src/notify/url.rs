//! URLs, as far as they must be looked at here.

/// What people may see of a URL: scheme, host and port. A path may be a secret.
pub(crate) fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    // With a name and a password there is no part that could be shown as it is written.
    (!authority.contains('@')).then(|| &url[..scheme.len() + 3 + end])
}

/// Why a text is no URL of an HTTP server. Never quotes it.
pub(crate) fn fault(url: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("it does not begin with http:// or https://");
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Some("it does not begin with http:// or https://");
    }
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.is_empty() || host.starts_with(':') {
        return Some("it names no host");
    }
    if url.chars().any(char::is_control) || host.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}'])
    {
        return Some("there are characters in it that cannot stand in a URL");
    }
    let port = match host.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((_, "")) => None,
            Some((_, port)) => Some(port.strip_prefix(':').unwrap_or("-")),
            None => return Some("the [ of the host is not closed"),
        },
        None => host.split_once(':').map(|(_, port)| port),
    };
    if port.is_some_and(|port| !port.bytes().all(|b| b.is_ascii_digit())) {
        return Some("its port is not a number");
    }
    None
}

/// Whether a text is `host:port`; the host may be left out.
pub(crate) fn is_host_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(v6) => match v6.split_once("]:") {
            Some(parts) => parts,
            None => return false,
        },
        None => match text.split_once(':') {
            Some(parts) => parts,
            None => return false,
        },
    };
    let bracket = host.contains(['[', ']']) || port.contains(['[', ']', ':']);
    !port.is_empty() && !bracket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_http_servers() {
        for good in [
            "http://a",
            "HTTPS://a:8080/b?c=d#e",
            "http://[::1]:9/x",
            "http://u:p@a/b",
            "http://a:/",
            "https://ü/",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in
            ["", "a", "ftp://a", "http://", "http:///a", "http://:80", "http://a:b", "http://a b/", "://a"]
        {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn nothing_behind_the_host_is_shown() {
        assert_eq!(
            origin("https://hooks.example.com:8443/T0/B1/secret"),
            Some("https://hooks.example.com:8443")
        );
        assert_eq!(origin("http://a?token=secret"), Some("http://a"));
        assert_eq!(origin("http://user:secret@a/b"), None);
    }

    #[test]
    fn hosts_have_ports() {
        for (text, good) in [
            ("a:25", true),
            (":25", true),
            ("[::1]:25", true),
            ("a", false),
            ("a:", false),
            ("::1:25", false),
        ] {
            assert_eq!(is_host_port(text), good, "{text}");
        }
    }
}
