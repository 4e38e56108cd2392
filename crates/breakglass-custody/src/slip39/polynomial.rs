//! One polynomial for each byte of a secret, known by its values at a few places.
//!
//! **Source:** SLIP-0039, "Shamir's secret sharing": f(x) = Σ y_i · Π (x - x_j) / (x_i - x_j).

use zeroize::Zeroizing;

use super::gf256::{inverse, product};

/// A place, and what the polynomials are there.
pub(super) struct Point<'a> {
    /// Where; it is no secret.
    pub(super) at: u8,
    /// One byte for each polynomial.
    pub(super) values: &'a [u8],
}

/// What the polynomials through all points are at a place. `None` where two points have one place or different lengths,
/// or there are none: no polynomials go through those.
pub(super) fn interpolated(points: &[Point<'_>], at: u8) -> Option<Zeroizing<Vec<u8>>> {
    let length = points.first()?.values.len();
    let mut sum = Zeroizing::new(vec![0_u8; length]);
    for (number, point) in points.iter().enumerate() {
        let others = points.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, other)| other.at);
        let (mut above, mut below) = (1, 1);
        for other in others {
            if other == point.at {
                return None;
            }
            above = product(above, at ^ other);
            below = product(below, point.at ^ other);
        }
        if point.values.len() != length {
            return None;
        }
        let weight = product(above, inverse(below));
        for (total, value) in sum.iter_mut().zip(point.values) {
            *total ^= product(*value, weight);
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_from_two_of_its_points() {
        // f(x) = 7 + 3x, for one byte.
        let value = |x: u8| [7 ^ product(3, x)];
        let (one, other) = (value(1), value(9));
        let points = [Point { at: 1, values: &one }, Point { at: 9, values: &other }];
        for at in 0..=255 {
            assert_eq!(interpolated(&points, at).unwrap().as_slice(), value(at));
        }
    }

    #[test]
    fn points_that_contradict_each_other_give_nothing() {
        assert!(interpolated(&[], 255).is_none());
        let twice = [Point { at: 1, values: &[1] }, Point { at: 1, values: &[1] }];
        assert!(interpolated(&twice, 255).is_none());
        let uneven = [Point { at: 1, values: &[1] }, Point { at: 2, values: &[1, 2] }];
        assert!(interpolated(&uneven, 255).is_none());
    }
}
