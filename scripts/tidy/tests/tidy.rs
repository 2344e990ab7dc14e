//! Every rule of the house on the repository itself: one test per rule, one line per finding.
//!
//! That each rule can fail is tested beside the rule, in `src/rules/`.

use std::sync::LazyLock;

use flywheel_tidy::assert_clean;
use flywheel_tidy::rules::{
    layers, licences, limits, links, manifests, promises, rooms, seam, text, unfinished,
};
use flywheel_tidy::tree::Tree;

static TREE: LazyLock<Tree> = LazyLock::new(Tree::of_workspace);

#[test]
fn no_crate_points_upward() {
    assert_clean(&layers::check(&TREE));
}

#[test]
fn every_source_file_opens_with_what_it_is() {
    assert_clean(&rooms::opening(&TREE));
}

#[test]
fn every_source_file_is_short_enough_to_read() {
    assert_clean(&rooms::size(&TREE));
}

#[test]
fn unsafe_stays_with_its_owners() {
    assert_clean(&seam::unsafe_code(&TREE));
}

#[test]
fn kernel_files_threads_and_clock_stay_with_their_owners() {
    assert_clean(&seam::names(&TREE));
}

#[test]
fn nothing_unfinished_is_checked_in() {
    assert_clean(&unfinished::check(&TREE));
}

#[test]
fn every_bound_stands_in_limits() {
    assert_clean(&limits::check(&TREE));
}

#[test]
fn every_link_leads_to_a_file() {
    assert_clean(&links::check(&TREE));
}

#[test]
fn every_promise_names_tests_that_exist() {
    assert_clean(&promises::check(&TREE));
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    assert_clean(&manifests::lints(&TREE));
}

#[test]
fn every_dependency_comes_from_the_workspace() {
    assert_clean(&manifests::dependencies(&TREE));
}

#[test]
fn text_files_end_cleanly() {
    assert_clean(&text::check(&TREE));
}

#[test]
fn every_dependency_is_licensed_for_use() {
    assert_clean(&licences::check(&TREE));
}
