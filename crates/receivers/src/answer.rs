use assurance_notifier::DeliveryError;

/// Bytes of an answer that are quoted: enough for a server's reason, too little for a page of HTML.
const MAX_QUOTED_BYTES: usize = 200;

/// What an answer means: 2xx is taken; 408, 425, 429 and 5xx may pass; anything else is refused for good.
///
/// # Errors
/// With the status, the beginning of the answer, and whether to try again.
pub fn classify(status: u16, body: &str) -> Result<(), DeliveryError> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let retry = matches!(status, 408 | 425 | 429) || status >= 500;
    let said = body.trim();
    let mut end = said.len().min(MAX_QUOTED_BYTES);
    while !said.is_char_boundary(end) {
        end -= 1;
    }
    let quoted = match &said[..end] {
        "" => String::new(),
        part => format!(": {part}{}", if end < said.len() { "…" } else { "" }),
    };
    Err(DeliveryError { retry, reason: format!("the receiver answered with status {status}{quoted}") })
}
