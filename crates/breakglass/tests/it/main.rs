//! The command line as scripts and people meet it.
//!
//! `tests/cmd/*.trycmd` are the cases: the command, its exit code, what it prints. A folder `NAME.in` beside a case is
//! where it runs. What changes with the rules stands as `...` there; the reports themselves are recorded in the crate.

#[cfg(test)]
mod apply;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod checkout_times;
#[cfg(test)]
mod custody_commands;
#[cfg(test)]
mod custody_openings;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod drills;
#[cfg(test)]
mod exported_logs;
#[cfg(test)]
mod key_box;
#[cfg(test)]
mod key_secrets;
#[cfg(test)]
mod keys_listed;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod live;
#[cfg(test)]
mod policy_sets;
#[cfg(test)]
mod recorded_sign_ins;
#[cfg(test)]
mod served;
#[cfg(test)]
mod situations;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod suggestions;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod terminals;
#[cfg(test)]
mod what_if;

#[test]
fn commands_as_recorded() {
    trycmd::TestCases::new()
        .case("tests/cmd/*.trycmd")
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .unwrap();
}
