//! What the documents say about the code.

use std::{collections::BTreeSet, fs, path::Path};

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *text += &fs::read_to_string(path).unwrap();
        }
    }
}

/// What stands in `code` in a text.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_threat_names_tests_and_all_of_them_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut code = String::new();
    sources(root, &mut code);
    let functions: BTreeSet<&str> =
        code.split("fn ").skip(1).map(|text| text.split(['(', '<']).next().unwrap()).collect();
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 50, "the tables are read");
    for row in rows.iter().filter(|row| !row.ends_with("| test |")) {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().map(quoted).unwrap();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            assert!(functions.contains(test), "{test} is no test: {row}");
        }
    }
}
