//! The rules, one file each.

mod account;
mod application_grants;
mod awaited;
mod bg0101_declared;
mod bg0102_candidates;
mod bg0103_two_accounts;
mod bg0104_same_list;
mod bg0201_enabled;
mod bg0202_member;
mod bg0203_cloud_only;
mod bg0204_global_administrator;
mod bg0205_nothing_else;
mod bg0206_name;
mod bg0207_password_lasts;
mod bg0208_no_clean_up;
mod bg0209_owner;
mod bg0210_azure;
mod bg0301_phishing_resistant;
mod bg0302_methods_policy;
mod bg0303_diversity;
mod bg0304_nobodys_phone;
mod bg0305_strengths_met;
mod bg0306_who_can_reset;
mod bg0401_excluded;
mod bg0402_report_only;
mod bg0403_disabled;
mod bg0404_skipped;
mod bg0405_one_group;
mod bg0406_group_members;
mod bg0407_group_protected;
mod bg0408_deleted_references;
mod bg0409_other_exclusions;
mod bg0410_what_if_grid;
mod bg0411_special_conditions;
mod bg0412_excluded_resources;
mod bg0501_security_defaults;
mod bg0502_mandatory_mfa;
mod bg0503_identity_protection;
mod bg0504_per_user_mfa;
mod bg0505_approvers;
mod bg0506_hybrid;
mod bg0605_recent_sign_in;
mod bg06_watching;
mod bg07_custody;
mod exclusion;
pub(super) mod grid;
mod role_holding;
mod scope;

pub use application_grants::takes_accounts_over;

use super::Rule;

/// Every rule, in the order of its code.
pub const RULES: &[&dyn Rule] = &[
    &bg0101_declared::Declared,
    &bg0102_candidates::Candidates,
    &bg0103_two_accounts::TwoAccounts,
    &bg0104_same_list::SameList,
    &bg0201_enabled::Enabled,
    &bg0202_member::Member,
    &bg0203_cloud_only::CloudOnly,
    &bg0204_global_administrator::GlobalAdministrator,
    &bg0205_nothing_else::NothingElse,
    &bg0206_name::Name,
    &bg0207_password_lasts::PasswordLasts,
    &bg0208_no_clean_up::NoCleanUp,
    &bg0209_owner::Owner,
    &bg0210_azure::Azure,
    &bg0301_phishing_resistant::PhishingResistant,
    &bg0302_methods_policy::MethodsPolicy,
    &bg0303_diversity::Diversity,
    &bg0304_nobodys_phone::NobodysPhone,
    &bg0305_strengths_met::StrengthsMet,
    &bg0306_who_can_reset::WhoCanReset,
    &bg0401_excluded::Excluded,
    &bg0402_report_only::ReportOnly,
    &bg0403_disabled::SwitchedOff,
    &bg0404_skipped::SkippedPolicies,
    &bg0405_one_group::OneGroup,
    &bg0406_group_members::GroupMembers,
    &bg0407_group_protected::GroupProtected,
    &bg0408_deleted_references::DeletedReferences,
    &bg0409_other_exclusions::OtherExclusions,
    &bg0410_what_if_grid::WhatIfGrid,
    &bg0411_special_conditions::SpecialConditions,
    &bg0412_excluded_resources::ExcludedResources,
    &bg0501_security_defaults::SecurityDefaults,
    &bg0502_mandatory_mfa::MandatoryMfa,
    &bg0503_identity_protection::IdentityProtection,
    &bg0504_per_user_mfa::PerUserMfa,
    &bg0505_approvers::Approvers,
    &bg0506_hybrid::Hybrid,
    &bg06_watching::SIGN_IN_ALERT,
    &bg06_watching::ALERT_PROVED,
    &bg06_watching::CHANGES_SEEN,
    &bg06_watching::LOGS_EXPORTED,
    &bg0605_recent_sign_in::RecentSignIn,
    &bg06_watching::DRIFT,
    &bg07_custody::ENVELOPE,
    &bg07_custody::QUORUM,
    &bg07_custody::ROTATED,
    &bg07_custody::POST_MORTEM,
    &bg07_custody::PEOPLE_REVIEWED,
    &bg07_custody::PROCEDURE,
];
