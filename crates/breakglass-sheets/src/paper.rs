//! What is printed on.
//!
//! **Source:** ISO 216 for A4, ANSI/ASME Y14.1 for Letter; 72 points are an inch.

/// The paper that a sheet is laid out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    /// 210 by 297 millimetres.
    A4,
    /// 8.5 by 11 inches.
    Letter,
}

/// Points that stay white on the left and on the right: room to punch and to hold.
pub(crate) const SIDE_POINTS: f32 = 54.0;

/// Points that stay white at the top.
pub(crate) const TOP_POINTS: f32 = 40.0;

/// Points below what is on a page, where its foot is.
pub(crate) const BOTTOM_POINTS: f32 = 72.0;

impl Paper {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A4, Self::Letter];

    /// Width in points.
    #[must_use]
    pub const fn width_points(self) -> f32 {
        match self {
            Self::A4 => 595.276,
            Self::Letter => 612.0,
        }
    }

    /// Height in points.
    #[must_use]
    pub const fn height_points(self) -> f32 {
        match self {
            Self::A4 => 841.89,
            Self::Letter => 792.0,
        }
    }
}
