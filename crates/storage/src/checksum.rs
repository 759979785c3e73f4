//! CRC-32C (Castagnoli), eight bytes a step.

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[n][b]`: what byte `b` does to the sum when `n` bytes follow it.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// CRC-32C (Castagnoli, RFC 3720 B.4) of all parts, as if they were one: by what a file's reader finds damage.
pub fn crc32c(parts: &[&[u8]]) -> u32 {
    !parts.iter().fold(u32::MAX, |sum, part| update(sum, part))
}

/// The sum of what `sum` is the sum of (0 of nothing), and `more` after it: for what is read part by part.
pub fn crc32c_append(sum: u32, more: &[u8]) -> u32 {
    !update(!sum, more)
}

fn update(mut sum: u32, bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight) ^ u64::from(sum);
        sum = 0;
        for (n, byte) in word.to_le_bytes().into_iter().enumerate() {
            sum ^= TABLES[7 - n][usize::from(byte)];
        }
    }
    for byte in rest {
        sum = (sum >> 8) ^ TABLES[0][usize::from(sum.to_le_bytes()[0] ^ byte)];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{crc32c, crc32c_append};

    /// The check values of RFC 3720, B.4.
    #[test]
    fn the_sums_are_those_of_the_standard() {
        assert_eq!(crc32c(&[b"123456789"]), 0xe306_9283);
        assert_eq!(crc32c(&[&[0; 32]]), 0x8a91_36aa);
        assert_eq!(crc32c(&[&[0xff; 32]]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&[&rising]), 0x46dd_794e);
        assert_eq!(crc32c(&[&rising[..5], &rising[5..]]), 0x46dd_794e, "parts are one");
        assert_eq!(crc32c_append(crc32c_append(0, &rising[..5]), &rising[5..]), 0x46dd_794e);
    }
}
