//! What another program reads out of a PDF: text with its place, and areas that are filled. It shares no code with what
//! made the PDF.

use std::collections::BTreeMap;

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Object, ObjectId};

/// Text as it was drawn, from the lower left corner of the paper.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) font: String,
    pub(crate) size: f32,
    pub(crate) left: f32,
    pub(crate) right: f32,
    pub(crate) baseline: f32,
    pub(crate) text: String,
}

/// One page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) runs: Vec<Run>,
    /// Corners of what is filled.
    pub(crate) corners: Vec<(f32, f32)>,
}

/// What a font says of its characters: text and width in thousandths of an em.
struct Characters {
    name: String,
    texts: BTreeMap<u16, String>,
    widths: BTreeMap<u16, f32>,
}

/// The pages of a PDF.
pub(crate) fn pages(pdf: &[u8]) -> Vec<Page> {
    let document = Document::load_mem(pdf).unwrap();
    document.get_pages().into_values().map(|id| page(&document, id)).collect()
}

/// The title of a PDF and the date it says that it was made on.
pub(crate) fn about(pdf: &[u8]) -> BTreeMap<String, String> {
    let document = Document::load_mem(pdf).unwrap();
    let info = document.trailer.get(b"Info").unwrap();
    let info = document.dereference(info).unwrap().1.as_dict().unwrap().clone();
    let entries = info.iter().map(|(name, value)| {
        let value = String::from_utf8(value.as_str().unwrap().to_vec()).unwrap();
        (String::from_utf8(name.clone()).unwrap(), value)
    });
    entries.collect()
}

impl Page {
    /// All text, each piece on a line.
    pub(crate) fn text(&self) -> String {
        self.runs.iter().map(|run| format!("{}\n", run.text)).collect()
    }

    /// All text as one line, so that sentences are found that were broken.
    pub(crate) fn sentence(&self) -> String {
        let all: String = self.runs.iter().map(|run| run.text.clone() + " ").collect();
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Text in letters that are all as wide.
    pub(crate) fn typed(&self) -> Vec<&Run> {
        self.runs.iter().filter(|run| run.font.contains("Mono")).collect()
    }

    /// That all of it is on the paper.
    pub(crate) fn assert_inside(&self) {
        for run in &self.runs {
            let is_inside = run.left >= 0.0
                && run.right <= self.width
                && run.baseline >= run.size * 0.3
                && run.baseline + run.size <= self.height;
            assert!(is_inside, "{run:?}");
        }
        for (x, y) in &self.corners {
            assert!((0.0..=self.width).contains(x) && (0.0..=self.height).contains(y), "{x} {y}");
        }
    }
}

fn number(object: &Object) -> f32 {
    object.as_float().unwrap()
}

fn page(document: &Document, id: ObjectId) -> Page {
    let paper = document.get_dictionary(id).unwrap().get(b"MediaBox").unwrap().as_array().unwrap().clone();
    let (width, height) = (number(&paper[2]), number(&paper[3]));
    let fonts = document.get_page_fonts(id).unwrap();
    let fonts: BTreeMap<Vec<u8>, Characters> =
        fonts.into_iter().map(|(name, font)| (name, characters(document, font))).collect();
    let content = Content::decode(&document.get_page_content(id)).unwrap();
    let (mut runs, mut corners) = (Vec::new(), Vec::new());
    let (mut font, mut size, mut at) = (None, 0.0, (0.0, 0.0));
    for operation in &content.operations {
        let given = &operation.operands;
        match operation.operator.as_str() {
            // Everything is drawn from the upper left corner.
            "cm" => {
                let matrix: Vec<f32> = given.iter().map(number).collect();
                assert_eq!(matrix, [1.0, 0.0, 0.0, -1.0, 0.0, height]);
            }
            "Tf" => (font, size) = (fonts.get(given[0].as_name().unwrap()), number(&given[1])),
            "Tm" => at = (number(&given[4]), height - number(&given[5])),
            "TJ" => runs.push(run(font.unwrap(), size, at, given[0].as_array().unwrap())),
            "Tj" => runs.push(run(font.unwrap(), size, at, given)),
            "m" | "l" => corners.push((number(&given[0]), height - number(&given[1]))),
            "re" => {
                let at: Vec<f32> = given.iter().map(number).collect();
                corners.extend([(at[0], height - at[1]), (at[0] + at[2], height - at[1] - at[3])]);
            }
            "q" | "Q" | "g" | "f" | "h" | "BT" | "ET" | "Tr" => {}
            other => panic!("`{other}` is something that no sheet needs"),
        }
    }
    Page { width, height, runs, corners }
}

fn run(font: &Characters, size: f32, (left, baseline): (f32, f32), pieces: &[Object]) -> Run {
    let (mut text, mut thousandths) = (String::new(), 0.0);
    for piece in pieces {
        let Object::String(bytes, _) = piece else {
            thousandths -= number(piece);
            continue;
        };
        for pair in bytes.chunks(2) {
            let code = u16::from_be_bytes([pair[0], pair[1]]);
            assert_ne!(code, 0, "a character that the font has not");
            text.push_str(&font.texts[&code]);
            thousandths += font.widths[&code];
        }
    }
    Run { font: font.name.clone(), size, left, right: left + thousandths * size / 1000.0, baseline, text }
}

fn characters(document: &Document, font: &Dictionary) -> Characters {
    let name = String::from_utf8(font.get(b"BaseFont").unwrap().as_name().unwrap().to_vec()).unwrap();
    let map = document.dereference(font.get(b"ToUnicode").unwrap()).unwrap().1.as_stream().unwrap().clone();
    let map = String::from_utf8(map.get_plain_content().unwrap()).unwrap();
    let texts = map.lines().filter_map(|line| {
        let (code, text) = line.strip_prefix('<')?.strip_suffix('>')?.split_once("> <")?;
        let units: Vec<u16> = text.as_bytes().chunks(4).map(hexadecimal).collect();
        Some((hexadecimal(code.as_bytes()), String::from_utf16(&units).unwrap()))
    });
    let descendants = document.dereference(font.get(b"DescendantFonts").unwrap()).unwrap().1.as_array().unwrap();
    let descendant = document.dereference(&descendants[0]).unwrap().1.as_dict().unwrap();
    let widths = document.dereference(descendant.get(b"W").unwrap()).unwrap().1.as_array().unwrap();
    Characters { name, texts: texts.collect(), widths: widths_of(widths) }
}

fn hexadecimal(digits: &[u8]) -> u16 {
    u16::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
}

/// Widths stand as `first [width …]` or `first last width`.
fn widths_of(array: &[Object]) -> BTreeMap<u16, f32> {
    let mut all = BTreeMap::new();
    let mut rest = array;
    while let [first, second, more @ ..] = rest {
        let first = u16::try_from(first.as_i64().unwrap()).unwrap();
        if let Object::Array(widths) = second {
            all.extend((first..).zip(widths.iter().map(number)));
            rest = more;
        } else {
            let last = u16::try_from(second.as_i64().unwrap()).unwrap();
            all.extend((first..=last).map(|code| (code, number(&more[0]))));
            rest = &more[1..];
        }
    }
    all
}
