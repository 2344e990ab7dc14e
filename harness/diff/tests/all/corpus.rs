//! Replays what implementations agreed on against an engine in this process. No peer is needed.

use std::path::Path;

use flywheel_diff::{Corpus, replay};

use crate::support::Server;

fn corpus() -> Vec<(String, Corpus)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("the corpus").map(|file| file.expect("a file")).collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    let read = |file: std::fs::DirEntry| {
        let name = file.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file.path()).expect("read");
        let corpus = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, corpus)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn answers_are_those_that_were_agreed_on() {
    let Some(server) = Server::start("corpus") else { return };
    let mut bench = server.bench();
    let (mut cases, mut deviations) = (0, Vec::new());
    for (file, corpus) in corpus() {
        for agreed in &corpus.cases {
            cases += 1;
            if let Some(found) = replay(&mut bench, agreed).expect("answered") {
                deviations.push(format!("{file}: {}: {found:#?}", agreed.shows));
            }
        }
    }
    assert!(deviations.is_empty(), "{} of {cases}:\n{}", deviations.len(), deviations.join("\n"));
    assert!(cases > 0, "there are cases");
    server.node.stop().expect("stopped");
}
