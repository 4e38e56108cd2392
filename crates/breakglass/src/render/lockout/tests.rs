use super::super::paint::Paint;
use super::super::sample::{ACTING, control_character, page};
use super::super::{Extent, Page};
use super::metrics::Font;
use super::picture::{COLUMN_COUNT_MAX, Picture, ROW_COUNT_MAX};
use super::*;

fn rendered(name: &str, reports: &[LockoutReport], page: &Page) -> String {
    (format_named(name).unwrap().render)(reports, page)
}

/// What is recorded: without what changes with each release or with the looks of the page.
fn recorded(name: &str, reports: &[LockoutReport], page: &Page) -> String {
    rendered(name, reports, page)
        .replace(include_str!("../page.css"), "[style]\n")
        .replace(include_str!("page.css"), "[own style]\n")
        .replace(env!("CARGO_PKG_VERSION"), "[version]")
}

#[test]
fn names_of_formats_are_those_of_the_interface() {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(names, ["text", "json", "html", "svg"]);
}

#[test]
fn sentences_as_recorded() {
    let mut sentences = String::new();
    for (name, reports) in sample::all().into_iter().chain([("unpromised", vec![sample::unpromised()])]) {
        for report in reports {
            sentences.push_str(&format!("{name}: {}\n", super::super::visible(&words::sentence(&report))));
        }
    }
    insta::assert_snapshot!("sentences", sentences);
}

#[test]
fn texts_as_recorded() {
    for (name, reports) in sample::all() {
        let page = Page { columns: 80, ..page() };
        insta::assert_snapshot!(format!("text_{name}"), recorded("text", &reports, &page));
    }
    for (columns, extent) in [(60, Extent::Worst), (120, Extent::Worst), (80, Extent::All)] {
        let page = Page { columns, extent, ..page() };
        let text = recorded("text", &[sample::order_2()], &page);
        let of = if extent == Extent::All { "all" } else { "folded" };
        insta::assert_snapshot!(format!("text_order_2_{columns}_{of}"), text);
    }
}

#[test]
fn documents_as_recorded() {
    insta::assert_snapshot!("json", recorded("json", &[sample::order_2()], &page()));
    insta::assert_snapshot!("html", recorded("html", &[sample::order_2()], &page()));
    insta::assert_snapshot!("svg_order_1", recorded("svg", &[sample::order_1()], &page()));
    insta::assert_snapshot!("svg_crowd", recorded("svg", &[sample::crowd(60)], &page()));
    insta::assert_snapshot!("svg_order_0", recorded("svg", &[sample::order_0()], &page()));
}

#[test]
fn several_reports_stand_in_a_list() {
    let reports = [sample::order_1(), sample::order_4()];
    let one: serde_json::Value = serde_json::from_str(&rendered("json", &reports[..1], &page())).unwrap();
    let two: serde_json::Value = serde_json::from_str(&rendered("json", &reports, &page())).unwrap();
    assert_eq!((&one["format"], &two["format"]), (&"breakglass-lockout/1".into(), &"breakglass-lockout/1".into()));
    assert_eq!(one["order"]["proved"], 1);
    assert_eq!(two["reports"][0]["cuts"], one["cuts"]);
    assert_eq!(two["reports"][1]["order"]["proved"], 4);
    let none: serde_json::Value = serde_json::from_str(&rendered("json", &[sample::unbounded()], &page())).unwrap();
    assert_eq!((&none["order"]["proved"], &none["order"]["exhausted"]), (&serde_json::Value::Null, &true.into()));
}

#[test]
fn nothing_of_a_hostile_name_reaches_a_terminal() {
    for report in sample::hostile() {
        for format in FORMATS {
            let page = Page { extent: Extent::All, ..page() };
            let rendered = (format.render)(std::slice::from_ref(&report), &page);
            assert_eq!(control_character(&rendered), None, "{}", format.name);
            assert!(rendered.ends_with('\n'), "{}", format.name);
        }
    }
}

#[test]
fn the_shape_of_a_document_does_not_depend_on_names() {
    let page = Page { columns: 4000, ..page() };
    let shape = |format: &Format<[LockoutReport]>, name: &str| {
        let rendered = (format.render)(&[sample::about(name)], &page);
        let marks: &[char] = match format.name {
            "html" => &['<', '>'],
            _ => &['\n'],
        };
        rendered.chars().filter(|c| marks.contains(c)).count()
    };
    for format in FORMATS {
        for character in ACTING.chars() {
            // As long as it gets when it is shown, so that lines are broken alike.
            let shown = super::super::visible(&character.to_string()).into_owned();
            let name = |of: &str| format!("{of}a{of}b{of}");
            let (hostile, alike) = (name(&character.to_string()), name(&"x".repeat(shown.chars().count())));
            if format.name == "svg" {
                let svg = rendered("svg", &[sample::about(&hostile)], &page);
                assert!(roxmltree::Document::parse(&svg).is_ok(), "{character:?}");
            } else {
                assert_eq!(shape(format, &hostile), shape(format, &alike), "{} {character:?}", format.name);
            }
        }
    }
}

#[test]
fn lines_keep_within_the_width() {
    for (name, reports) in sample::all() {
        for columns in [60, 80, 120] {
            let text = rendered("text", &reports, &Page { columns, ..page() });
            for line in text.lines().filter(|line| !line.contains('`')) {
                let longest = line.split(' ').map(textwrap::core::display_width).max().unwrap_or(0);
                let width = textwrap::core::display_width(line);
                assert!(width <= columns || longest + 10 > columns, "{name} {columns}: {line}");
            }
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (name, reports) in sample::all() {
        let plain = rendered("text", &reports, &page());
        let colour = rendered("text", &reports, &Page { paint: Paint::Colour, ..page() });
        assert_ne!(plain, colour, "{name}");
        let codes = ["1", "2", "0", "1;31", "1;32", "1;33"];
        let stripped = codes.iter().fold(colour, |text, code| text.replace(&format!("\u{1b}[{code}m"), ""));
        assert_eq!(stripped, plain, "{name}");
    }
}

#[test]
fn all_shows_all() {
    let report = sample::crowd(60);
    let page = Page { extent: Extent::All, ..page() };
    let text = rendered("text", std::slice::from_ref(&report), &page).replace('\n', " ");
    let text = text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    for words in report.components.values() {
        assert!(text.contains(&words.name), "{}", words.name);
    }
    assert!(!text.contains("--all"));
    let folded = rendered("text", &[report], &Page { extent: Extent::Worst, ..page });
    assert!(folded.contains("And 51 more; --all shows them."), "{folded}");
}

#[test]
fn pictures_keep_their_limits_and_say_what_they_fold() {
    for (count, is_folded) in [(2, false), (40, true), (41, true), (3000, true)] {
        let picture = Picture::of(&sample::crowd(count));
        assert!(picture.columns.len() <= COLUMN_COUNT_MAX && picture.rows.len() <= ROW_COUNT_MAX, "{count}");
        assert_eq!(picture.notes.iter().any(|note| note.contains("share")), is_folded, "{count}");
        // All ways are drawn, each by itself or by somebody alike.
        assert_eq!(picture.columns.iter().map(|column| column.way_count).sum::<usize>(), picture.way_count, "{count}");
        assert!(picture.rows.first().is_some_and(|row| row.is_single_point && row.cells.iter().all(|cell| *cell)));
    }
    let note = "Not drawn, for want of room: 50 of 90 people who get in, 50 more ways";
    for (count, note) in [(25, None), (90, Some(note))] {
        let picture = Picture::of(&sample::motley(count));
        assert!(picture.columns.len() <= COLUMN_COUNT_MAX && picture.rows.len() <= ROW_COUNT_MAX, "{count}");
        let said = picture.notes.iter().any(|said| note.is_some_and(|note| said.starts_with(note)));
        assert_eq!(said, note.is_some(), "{count}: {:?}", picture.notes);
    }
}

#[test]
fn a_column_says_through_whom_a_way_goes() {
    let mut report = sample::order_1();
    let [helped, account] = ["account:u8", "account:u1"].map(|id| id.parse().unwrap());
    let way = report.direct.ways.iter_mut().find(|way| way.needs.contains(&helped)).unwrap();
    way.needs.push(account);
    let columns = Picture::of(&report).columns;
    let through: Vec<_> = columns.iter().filter(|column| column.how.contains(", via ")).collect();
    assert_eq!(through.len(), 1);
    assert!(through[0].name.starts_with("bg1@") && through[0].how.ends_with(", via Account Alice Adams"));
}

#[test]
fn rows_are_single_points_first_and_then_by_how_many_need_them() {
    for (name, reports) in sample::all() {
        for report in reports {
            let rows = Picture::of(&report).rows;
            let ranks: Vec<_> = rows.iter().map(|row| (!row.is_single_point, usize::MAX - row.count)).collect();
            assert!(ranks.is_sorted(), "{name}: {ranks:?}");
            for row in rows.iter().filter(|row| row.is_single_point) {
                assert!(row.cells.iter().all(|cell| *cell), "{name}: {}", row.label);
            }
        }
    }
}

#[test]
fn pictures_are_drawn_the_same_whatever_the_order_of_the_ways() {
    let mut report = sample::order_4();
    let before = rendered("svg", std::slice::from_ref(&report), &page());
    report.direct.ways.reverse();
    assert_eq!(rendered("svg", &[report], &page()), before);
}

/// An attribute as a number.
fn number(node: roxmltree::Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

#[test]
fn pictures_are_well_formed_and_cut_nothing_off() {
    for (name, reports) in sample::all() {
        for report in reports {
            let svg = rendered("svg", &[report], &page());
            let document = roxmltree::Document::parse(&svg).unwrap();
            let root = document.root_element();
            let (width, height) = (number(root, "width"), number(root, "height"));
            for text in root.descendants().filter(|node| node.has_tag_name("text")) {
                let font = Font {
                    size: text.attribute("font-size").unwrap().parse().unwrap(),
                    is_bold: text.attribute("font-weight").is_some(),
                };
                let words = text.text().unwrap_or_default();
                let long = f64::from(font.width(words));
                let (x, y) = (number(text, "x"), number(text, "y"));
                let group = text.parent().and_then(|parent| parent.attribute("transform"));
                let is_inside = match group {
                    Some(transform) => {
                        let numbers: Vec<f64> = transform
                            .split(|c: char| !c.is_ascii_digit())
                            .filter_map(|number| number.parse().ok())
                            .collect();
                        let [left, bottom, angle] = numbers[..] else { panic!("{transform}") };
                        let (sine, cosine) = angle.to_radians().sin_cos();
                        left + y + long * cosine <= width && bottom - long * sine - f64::from(font.size) >= 0.0
                    }
                    None if text.attribute("text-anchor") == Some("end") => x - long >= 0.0 && y <= height,
                    None => x + long <= width && y <= height,
                };
                assert!(is_inside, "{name}: {words}");
            }
        }
    }
}

#[test]
fn pictures_say_what_they_are() {
    for (name, reports) in sample::all() {
        let svg = rendered("svg", &reports[..1], &page());
        let document = roxmltree::Document::parse(&svg).unwrap();
        let said = |tag: &str| {
            let node = document.root_element().children().find(|node| node.has_tag_name(tag));
            node.and_then(|node| node.text()).unwrap_or_default().len()
        };
        assert!(said("title") > 0 && said("desc") > 0, "{name}");
    }
}
