//! What a bucket's count is kept in: a float, or a float and what its additions have lost.

/// A number that others are added to.
pub(super) trait Cell: Copy + Default {
    fn of(number: f64) -> Self;
    fn join(&mut self, other: Self);
    fn scale(&mut self, factor: f64);
    fn divide(&mut self, by: f64);
    fn value(self) -> f64;
}

impl Cell for f64 {
    fn of(number: f64) -> Self {
        number
    }

    fn join(&mut self, other: Self) {
        *self += other;
    }

    fn scale(&mut self, factor: f64) {
        *self *= factor;
    }

    fn divide(&mut self, by: f64) {
        *self /= by;
    }

    fn value(self) -> f64 {
        self
    }
}

/// A sum by Neumaier's variant of Kahan's summation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, number: f64) {
        let total = self.sum + number;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= number.abs() {
            self.lost += (self.sum - total) + number;
        } else {
            self.lost += (number - total) + self.sum;
        }
        self.sum = total;
    }
}

impl Cell for Compensated {
    fn of(number: f64) -> Self {
        Self { sum: number, lost: 0.0 }
    }

    fn join(&mut self, other: Self) {
        self.add(other.sum);
        if other.lost != 0.0 {
            self.add(other.lost);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.sum *= factor;
        self.lost *= factor;
    }

    fn divide(&mut self, by: f64) {
        self.sum /= by;
        self.lost /= by;
    }

    fn value(self) -> f64 {
        self.sum + self.lost
    }
}
