use super::super::sample::page;
use super::super::{Extent, Page};
use super::*;

fn rendered(name: &str, reports: &[LockoutReport], page: &Page) -> String {
    (format_named(name).unwrap().render)(reports, page)
}

#[test]
fn dump() {
    let folder = std::path::Path::new("/tmp/render-out");
    std::fs::create_dir_all(folder).unwrap();
    for (name, reports) in sample::all() {
        for format in FORMATS {
            std::fs::write(folder.join(format!("{name}.{}", format.name)), (format.render)(&reports, &page())).unwrap();
        }
        for columns in [60, 80, 120] {
            let page = Page { columns, ..page() };
            std::fs::write(folder.join(format!("{name}.{columns}.text")), rendered("text", &reports, &page)).unwrap();
        }
        let page = Page { columns: 80, extent: Extent::All, ..page() };
        std::fs::write(folder.join(format!("{name}.all.text")), rendered("text", &reports, &page)).unwrap();
    }
}
