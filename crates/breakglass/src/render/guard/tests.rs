use breakglass_engine::guard::Verdict;

use super::super::sample::{ACTING, control_character, page};
use super::super::{Extent, Page};
use super::*;

/// What is recorded: without what changes with each release.
fn recorded(format: &Format<Guarded>, guarded: &Guarded, page: &Page) -> String {
    (format.render)(guarded, page).replace(env!("CARGO_PKG_VERSION"), "[version]")
}

#[test]
fn every_format_as_recorded() {
    let guarded = sample::locked_to_headquarters();
    for format in FORMATS {
        insta::assert_snapshot!(format.name, recorded(format, &guarded, &page()));
    }
}

#[test]
fn every_verdict_as_recorded() {
    for format in ["text", "markdown"] {
        let page = Page { columns: 80, ..page() };
        let all = sample::all().into_iter().skip(1);
        let texts: Vec<String> = all.map(|guarded| recorded(format_named(format).unwrap(), &guarded, &page)).collect();
        insta::assert_snapshot!(format!("{format}_verdicts"), texts.join("\n=====\n\n"));
    }
}

#[test]
fn orders_beyond_the_search_are_the_same_as_far_as_it_went() {
    let mut guarded = sample::all().into_iter().find(|guarded| guarded.report.verdict == Verdict::Same).unwrap();
    let beyond = Order { proved: None, possible: None, searched_to: Some(5), is_exhausted: false };
    (guarded.report.before, guarded.report.after) = (beyond, beyond);
    for format in ["text", "markdown", "sarif"] {
        let text = recorded(format_named(format).unwrap(), &guarded, &Page { columns: 500, ..page() });
        for part in
            ["SAME as far as was searched", "before the change and after it; whether it takes fewer than before"]
        {
            assert!(text.contains(part), "{format}: {text}");
        }
    }
}

#[test]
fn the_sample_has_every_verdict() {
    let mut verdicts: Vec<Verdict> = sample::all().iter().map(|guarded| guarded.report.verdict).collect();
    verdicts.sort();
    verdicts.dedup();
    assert_eq!(verdicts, Verdict::ALL);
}

#[test]
fn code_scanning_gets_a_result_for_harm_doubt_and_what_is_shut_alone() {
    for guarded in sample::all() {
        let sarif = (format_named("sarif").unwrap().render)(&guarded, &page());
        let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        let verdict = guarded.report.verdict;
        let is_reported = verdict.is_harm() || verdict == Verdict::Unknown || !shut(&guarded.report).is_empty();
        assert_eq!(results.len(), usize::from(is_reported), "{verdict:?}");
        for result in results {
            let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            let file = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            assert_eq!(file, "policies/CA099%20only%20from%20HQ.json");
            assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
        }
    }
}

#[test]
fn nothing_of_a_hostile_name_reaches_a_terminal() {
    for name in super::super::lockout::sample::HOSTILE {
        for verdict in Verdict::ALL {
            for format in FORMATS {
                let page = Page { extent: Extent::All, ..page() };
                let rendered = (format.render)(&sample::guarded_about(name, verdict), &page);
                assert_eq!(control_character(&rendered), None, "{}", format.name);
                assert!(rendered.ends_with('\n'), "{}", format.name);
            }
        }
    }
}

#[test]
fn the_shape_of_a_document_does_not_depend_on_names() {
    let page = Page { columns: 4000, ..page() };
    let shape = |format: &Format<Guarded>, name: &str| {
        let rendered = (format.render)(&sample::guarded_about(name, Verdict::LockedOut), &page);
        let marks: &[char] = if format.name == "markdown" { &['|', '<', '>', '\n'] } else { &['\n'] };
        // Where a name cannot stand between backticks, an element of code does.
        let rendered = rendered.replace("<code>", "").replace("</code>", "");
        rendered.chars().filter(|c| marks.contains(c)).count()
    };
    for format in FORMATS {
        let usual = shape(format, "name");
        for character in ACTING.chars() {
            let name = format!("{character}a{character}{character}b{character}");
            // Code spans may hold these as they are.
            let is_held = format.name == "markdown" && "<>".contains(character);
            assert!(is_held || shape(format, &name) == usual, "{} {character:?}", format.name);
        }
    }
}

#[test]
fn documents_for_programs_read_back_whatever_the_names() {
    for name in ["\"", "\\", "\u{0}\u{1f}", "\u{2028}", "]]>", "\u{fffe}"] {
        for format in ["json", "sarif"] {
            let rendered =
                (format_named(format).unwrap().render)(&sample::guarded_about(name, Verdict::Lower), &page());
            assert!(serde_json::from_str::<serde_json::Value>(&rendered).is_ok(), "{format} {name:?}");
        }
    }
}

#[test]
fn the_json_is_as_published() {
    let json = (format_named("json").unwrap().render)(&sample::locked_to_headquarters(), &page());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["format"], "breakglass-guard/1");
    assert_eq!(
        (&json["verdict"], &json["before"]["proved"], &json["after"]["proved"]),
        (&"below-floor".into(), &4.into(), &1.into())
    );
    assert_eq!(json["counterexample"]["failed"], serde_json::json!(["net:hq"]));
    assert_eq!(json["lost"].as_array().unwrap().len(), 8);
}

#[test]
fn names_of_formats_are_those_of_the_interface() {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(names, ["text", "json", "markdown", "sarif"]);
}
