//! The cuts of fault trees that other people have counted.
//!
//! A tree says when something fails; a system says when it holds, so each gate becomes its dual: what fails if one of
//! its inputs does holds if all of them do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use breakglass_engine::lockout::cuts::{Limits, minimal_cuts};
use breakglass_engine::lockout::system::{Node, System, SystemBuilder};
use breakglass_testkit::is_full;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/lockout/aralia")
}

/// A tree that is being read.
struct Tree {
    builder: SystemBuilder,
    events: BTreeMap<String, Node>,
    gates: BTreeMap<String, Node>,
    inputs: BTreeSet<String>,
}

fn name<'a>(element: roxmltree::Node<'a, '_>) -> &'a str {
    element.attribute("name").unwrap()
}

impl Tree {
    fn read(xml: &str) -> Result<System, String> {
        let document = roxmltree::Document::parse(xml).unwrap();
        let mut tree = Self {
            builder: SystemBuilder::default(),
            events: BTreeMap::new(),
            gates: BTreeMap::new(),
            inputs: BTreeSet::new(),
        };
        let named = |tag: &'static str| document.descendants().filter(move |element| element.has_tag_name(tag));
        let events: BTreeSet<&str> = named("basic-event").map(name).collect();
        for event in events {
            let component = tree.builder.component();
            tree.events.insert(event.to_owned(), component);
        }
        for gate in named("define-gate") {
            let fact = tree.builder.fact();
            tree.gates.insert(name(gate).to_owned(), fact);
        }
        for gate in named("define-gate") {
            let formula = gate.first_element_child().unwrap();
            let holds = tree.formula(formula)?;
            tree.builder.all(tree.gates[name(gate)], &[holds]);
        }
        let mut tops = tree.gates.iter().filter(|(gate, _)| !tree.inputs.contains(*gate));
        let (_, top) = tops.next().ok_or("no gate is at the top")?;
        assert!(tops.next().is_none(), "one gate is at the top");
        Ok(tree.builder.build(*top))
    }

    fn formula(&mut self, formula: roxmltree::Node<'_, '_>) -> Result<Node, String> {
        match formula.tag_name().name() {
            "basic-event" => return Ok(self.events[name(formula)]),
            "gate" => {
                self.inputs.insert(name(formula).to_owned());
                return Ok(self.gates[name(formula)]);
            }
            _ => {}
        }
        let inputs: Result<Vec<Node>, String> =
            formula.children().filter(roxmltree::Node::is_element).map(|input| self.formula(input)).collect();
        let inputs = inputs?;
        let holds = self.builder.fact();
        match formula.tag_name().name() {
            "or" => self.builder.all(holds, &inputs),
            "and" => self.builder.any(holds, &inputs),
            "atleast" => {
                let failed: usize = formula.attribute("min").unwrap().parse().unwrap();
                self.builder.rule(holds, inputs.len() + 1 - failed, &inputs)
            }
            other => return Err(format!("`{other}` is not coherent")),
        };
        Ok(holds)
    }
}

#[test]
fn every_coherent_tree_has_the_published_number_of_cuts() {
    let limits = if is_full() {
        Limits { size_max: 4, node_count_max: 400_000, smallest_only: false }
    } else {
        Limits { size_max: 2, node_count_max: 400_000, smallest_only: false }
    };
    let table = std::fs::read_to_string(folder().join("expected.tsv")).unwrap();
    let (mut trees, mut refused, mut counted) = (0, 0, 0);
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let Ok(xml) = std::fs::read_to_string(folder().join(format!("{}.xml", columns[0]))) else { continue };
        let mut system = match Tree::read(&xml) {
            Ok(system) => system,
            Err(why) => {
                println!("{:10} refused: {why}", columns[0]);
                refused += 1;
                continue;
            }
        };
        let found = minimal_cuts(&mut system, limits);
        let searched_to = found.searched_to.unwrap();
        assert!(searched_to >= 2, "{}: the smallest sizes are always within the limit", columns[0]);
        // The columns of larger sizes are left out where there is no cut.
        let mut published = columns[6].split(' ').filter_map(|count| count.parse::<usize>().ok());
        for size in 1..=searched_to {
            let count = found.cuts.iter().filter(|cut| cut.len() == size).count();
            assert_eq!(count, published.next().unwrap_or_default(), "{}: cuts of size {size}", columns[0]);
            counted += count;
        }
        println!("{:10} searched to {searched_to}, {} nodes, {} cuts", columns[0], found.node_count, found.cuts.len());
        trees += 1;
    }
    println!("{trees} trees, {counted} cuts as published, {refused} refused");
    assert_eq!((trees, refused), (26, 1));
}
