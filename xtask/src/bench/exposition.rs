//! Ten targets with a thousand series each, for those who scrape.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Half gauges, half counters.
pub(super) const SERIES: usize = 1000;
pub(super) const TARGETS: usize = 10;

/// Serves `/0/metrics` … `/9/metrics` until the process ends; the address.
pub(super) fn serve() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
    let scrapes = Arc::new(AtomicU64::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let scrapes = Arc::clone(&scrapes);
            // A client that goes away ends its thread, which is all there is to it.
            std::thread::spawn(move || answer(&stream, &scrapes).ok());
        }
    });
    Ok(address)
}

fn answer(stream: &TcpStream, scrapes: &AtomicU64) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
                break;
            }
        }
        let body = body(scrapes.fetch_add(1, Ordering::Relaxed));
        let mut writer = stream;
        write!(
            writer,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

/// What a target shows at its n-th scrape; counters rise with n.
fn body(n: u64) -> String {
    let mut out = String::with_capacity(SERIES * 80);
    out.push_str(
        "# HELP room_temperature_celsius Where it is warm.\n# TYPE room_temperature_celsius gauge\n",
    );
    for sensor in 0..SERIES / 2 {
        let value = 15 + (sensor as u64 + n) % 10;
        out.push_str(&format!(
            "room_temperature_celsius{{sensor=\"sensor-{sensor:03}\",floor=\"{}\"}} {value}.5\n",
            sensor % 7
        ));
    }
    out.push_str("# HELP room_requests_total What was asked.\n# TYPE room_requests_total counter\n");
    for route in 0..SERIES / 2 {
        let value = n * (1 + route as u64 % 9);
        out.push_str(&format!(
            "room_requests_total{{route=\"/api/v1/r{route:03}\",method=\"GET\"}} {value}\n"
        ));
    }
    out
}
