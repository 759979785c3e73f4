//! Where buckets end.

/// Half the growth from one bucket to the next, by schema from 0: what the first bound above 1/2 is.
///
/// Prometheus's tables follow from these by multiplying in the order of [`table`]. The correctly rounded
/// powers of two would differ from its tables in the last bit here and there.
const FIRST_BOUNDS: [f64; 9] = [
    1.0,
    0.7071067811865475,
    0.5946035575013605,
    0.5452538663326288,
    0.5221368912137069,
    0.5109485743270583,
    0.5054446430258502,
    0.5027149505564014,
    0.5013556375251013,
];

/// The finest schema that has a table.
const FINEST: usize = FIRST_BOUNDS.len() - 1;

/// Bounds between 1/2 and 1 in the finest schema; coarser ones take every second, fourth, …
static TABLE: [f64; 1 << FINEST] = table();

const fn table() -> [f64; 1 << FINEST] {
    let mut bounds = [0.5; 1 << FINEST];
    let mut schema = 1;
    while schema <= FINEST {
        let step = 1 << (FINEST - schema);
        let mut at = step;
        while at < bounds.len() {
            bounds[at] = bounds[at - step] * (2.0 * FIRST_BOUNDS[schema]);
            at += 2 * step;
        }
        schema += 1;
    }
    bounds
}

/// The upper bound of the exponential bucket `index`, in absolute terms.
///
/// The last bucket of finite values ends at `f64::MAX`, the one after it holds infinities.
pub(super) fn exponential(index: i32, schema: i32) -> f64 {
    match usize::try_from(schema) {
        Ok(schema) if schema <= FINEST => {
            let within = index & ((1 << schema) - 1);
            let fraction = TABLE[usize::try_from(within).unwrap_or(0) << (FINEST - schema)];
            let exponent = (index >> schema).saturating_add(1);
            if fraction == 0.5 && exponent == 1025 { f64::MAX } else { times_power(fraction, exponent) }
        }
        // Finer than any table.
        Ok(_) => (f64::from(index) * (-f64::from(schema)).exp2()).exp2(),
        // Each bucket spans several powers of two; more than 12 bits of them span all floats.
        Err(_) => match i64::from(index) << schema.unsigned_abs().min(12) {
            1024 => f64::MAX,
            exponent => times_power(1.0, i32::try_from(exponent.clamp(-2040, 2040)).unwrap_or(0)),
        },
    }
}

/// `fraction * 2^exponent`, rounded once.
fn times_power(fraction: f64, exponent: i32) -> f64 {
    // Half of it at a time: 2^exponent alone may be no float although the product is one.
    let exponent = exponent.clamp(-2040, 2040);
    fraction * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2)
}

/// `2^exponent`, for exponents of normal floats.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::from((exponent + 1023).unsigned_abs()) << 52)
}

/// The upper bound of the custom bucket `index`; the bucket -1 is what lies below the first one.
pub(super) fn custom(index: i32, bounds: &[f64]) -> f64 {
    match usize::try_from(index) {
        Ok(index) => bounds.get(index).copied().unwrap_or(f64::INFINITY),
        Err(_) => f64::NEG_INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::{TABLE, exponential};

    #[test]
    fn the_table_is_prometheus_s_to_the_last_bit() {
        let runs: [(usize, [f64; 4]); 6] = [
            (0, [0.5, 0.5013556375251013, 0.5027149505564014, 0.5040779490592088]),
            (4, [0.5054446430258502, 0.5068150424757447, 0.5081891574554764, 0.509566998038869]),
            (84, [0.6276903785123455, 0.6293922197748583, 0.6310986751971253, 0.6328097572894031]),
            (128, [0.7071067811865475, 0.7090239421602076, 0.7109463010845827, 0.7128738720527471]),
            (172, [0.7965710756711334, 0.7987307989543135, 0.8008963778413465, 0.8030678282083853]),
            (252, [0.9892280131939752, 0.9919100824251095, 0.9945994234836328, 0.9972960560854698]),
        ];
        for (first, bounds) in runs {
            assert_eq!(TABLE[first..first + 4], bounds, "from {first} on");
        }
        assert!(TABLE.windows(2).all(|pair| pair[0] < pair[1]), "rising");
    }

    #[test]
    fn bounds_grow_by_the_schema_and_end_at_the_largest_float() {
        assert_eq!(exponential(0, 0), 1.0);
        assert_eq!(exponential(3, 0), 8.0);
        assert_eq!(exponential(-1, 1), 0.7071067811865475);
        assert_eq!(exponential(2, -2), 256.0);
        assert_eq!(exponential(1024, 0), f64::MAX);
        assert_eq!(exponential(1025, 0), f64::INFINITY);
        assert_eq!(exponential(1024 << 8, 8), f64::MAX);
        assert_eq!(exponential(64, -4), f64::MAX);
        assert_eq!(exponential(-1074, 0), f64::from_bits(1));
        assert_eq!(exponential(i32::MIN, 8), 0.0);
        assert_eq!(exponential(i32::MAX, -4), f64::INFINITY);
    }
}
