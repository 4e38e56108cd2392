//! Head and foot of every page: what it is of, whether it is secret, and the key that everything was signed with.

use breakglass_custody::signed_set::SignedSet;
use jiff::civil::Date;

use crate::canvas::{Area, Leaf, Style};
use crate::facts::Tenant;
use crate::flow::HAIRLINE_POINTS;
use crate::paper::{BOTTOM_POINTS, Paper, SIDE_POINTS};
use crate::spans::Measure;
use crate::typeface::{Face, Typefaces};

/// Points of a foot.
const FOOT_POINTS: f32 = 8.5;

/// Said of pages with words of a share.
const SECRET: &str = "SECRET: the words of a share are on this page";

/// Said of pages that everybody may see.
pub(crate) const NOT_SECRET: &str = "Nothing on this page is secret";

/// Said of pages with names and telephone numbers.
pub(crate) const NOT_FOR_STRANGERS: &str = "Not secret, and not for strangers";

/// What stands at the foot of every page.
pub(crate) struct Margin<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) set: &'a SignedSet,
    /// What the sheet is; it was made to be shown already.
    pub(crate) title: String,
    pub(crate) made_on: Date,
    /// What is said of pages without words of a share.
    pub(crate) open: &'static str,
}

impl Margin<'_> {
    pub(crate) fn put(&self, faces: &Typefaces, paper: Paper, leaves: &mut [Leaf]) {
        let count = leaves.len();
        for (page, leaf) in (1..).zip(leaves.iter_mut()) {
            self.foot(faces, paper, leaf, (page, count));
        }
    }

    fn foot(&self, faces: &Typefaces, paper: Paper, leaf: &mut Leaf, (page, count): (usize, usize)) {
        let width = paper.width_points() - 2.0 * SIDE_POINTS;
        let top = paper.height_points() - BOTTOM_POINTS + 10.0;
        leaf.filled(Area { x: SIDE_POINTS, y: top, width, height: HAIRLINE_POINTS });
        let (plain, bold) = (Style::new(Face::Plain, FOOT_POINTS), Style::new(Face::Bold, FOOT_POINTS));
        let mono = Style::new(Face::Mono, FOOT_POINTS);
        let measure = Measure { faces, size: FOOT_POINTS, width: width * 0.52 };
        let line = |number: f32| top + 4.0 + number * FOOT_POINTS * 1.3;

        let right = |leaf: &mut Leaf, y: f32, style: Style, text: &str| {
            let width = faces.width(style.face, style.size, text);
            leaf.text((paper.width_points() - SIDE_POINTS - width, y), style, text);
        };
        let secret = if leaf.is_secret { SECRET } else { self.open };
        let title = Measure { width: width * 0.5, ..measure }.clipped(Face::Plain, &self.title, 1).concat();
        leaf.text((SIDE_POINTS, line(1.0)), bold, secret);
        right(leaf, line(1.0), plain, &title);
        leaf.text((SIDE_POINTS, line(2.0)), plain, "Operator key ");
        let x = SIDE_POINTS + faces.width(Face::Plain, FOOT_POINTS, "Operator key ");
        leaf.text((x, line(2.0)), mono, &self.set.operator().fingerprint().to_string());
        right(leaf, line(2.0), plain, &format!("page {page} of {count}"));
        let tenant = measure.at_most(Face::Plain, &self.tenant.name, 1).concat();
        leaf.text((SIDE_POINTS, line(3.0)), plain, &tenant);
        right(leaf, line(3.0), plain, &format!("set {}, {}", self.set.set().id, self.made_on));
    }
}
