//! What docs/EXTENDING.md shows is what is built and tested here.

const GUIDE: &str = include_str!("../../../../docs/EXTENDING.md");
const SOURCES: [&str; 4] = [
    include_str!("../src/lib.rs"),
    include_str!("suite.rs"),
    include_str!("../programs/src/bin/frps-carrier.rs"),
    include_str!("../programs/src/bin/frpc-carrier.rs"),
];

/// The text without what rustfmt decides: white space, and commas at the end of a list.
fn plain(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    text.replace(",}", "}").replace(",)", ")")
}

#[test]
fn every_piece_of_the_guide_stands_in_the_example() {
    let sources = SOURCES.map(plain);
    let blocks: Vec<_> = GUIDE
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 7, "{}", blocks.len());
    // What a blank line parts may stand apart in the source.
    for item in blocks.iter().flat_map(|block| block.split("\n\n")) {
        let wanted = plain(item);
        assert!(
            sources.iter().any(|s| s.contains(&wanted)),
            "not there:\n{item}"
        );
    }
}
