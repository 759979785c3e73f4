//! Writes samples into a server by Prometheus's remote write 1.0.

use super::Series;
use super::http::Client;

/// Samples in one request, about: 16 bytes each are some 2 MB.
const PER_REQUEST: usize = 100_000;

/// Bytes after which a request is sent although more series have samples of its time: servers refuse larger ones.
const ENOUGH_BYTES: usize = 4 << 20;

/// Sends all samples, in order of time: a server may take only what is newer than its newest sample less some
/// window, so that all series advance together.
pub(crate) fn send(client: &mut Client, series: &[Series]) -> Result<(), String> {
    let times = || series.iter().flat_map(|s| s.samples.iter().map(|(at, _)| *at));
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(()) };
    let requests = (times().count() / PER_REQUEST) as i64 + 1;
    // Half an hour is what Prometheus takes back in time.
    let slice = ((last - first) / requests + 1).min(30 * 60_000);
    let mut sent = vec![0; series.len()];
    let mut from = first;
    while from <= last {
        let until = from + slice;
        let mut message = Vec::new();
        for (one, sent) in series.iter().zip(&mut sent) {
            let low = *sent;
            let high = low + one.samples[low..].iter().take_while(|(at, _)| *at < until).count();
            *sent = high;
            if low < high {
                field(&mut message, 1, &time_series(&one.labels, &one.samples[low..high]));
            }
            if message.len() >= ENOUGH_BYTES {
                post(client, &std::mem::take(&mut message))?;
            }
        }
        if !message.is_empty() {
            post(client, &message)?;
        }
        from = until;
    }
    Ok(())
}

fn post(client: &mut Client, message: &[u8]) -> Result<(), String> {
    let headers = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
                   X-Prometheus-Remote-Write-Version: 0.1.0\r\n";
    let response = client.request("POST", "/api/v1/write", headers, &literal_snappy(message))?;
    if response.status / 100 == 2 {
        return Ok(());
    }
    Err(format!(
        "remote write is refused with {}: {}",
        response.status,
        String::from_utf8_lossy(&response.body)
    ))
}

fn time_series(labels: &[(String, String)], samples: &[(i64, f64)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels {
        let mut pair = Vec::new();
        field(&mut pair, 1, name.as_bytes());
        field(&mut pair, 2, value.as_bytes());
        field(&mut out, 1, &pair);
    }
    for (at, value) in samples {
        let mut sample = vec![1 << 3 | 1];
        sample.extend(value.to_bits().to_le_bytes());
        sample.push(2 << 3);
        varint(&mut sample, at.cast_unsigned());
        field(&mut out, 2, &sample);
    }
    out
}

fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Snappy's block format without any compression: the length, then literals.
fn literal_snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, bytes.len() as u64);
    for piece in bytes.chunks(1 << 16) {
        // A literal of up to 65,536 bytes: tag 61, then its length less one in two bytes.
        out.push(61 << 2);
        out.extend(((piece.len() - 1) as u16).to_le_bytes());
        out.extend(piece);
    }
    out
}
