//! docs/reference/notify.md, whose lists of keys come from the tables that the reader goes by.

const PAGE: &str = "../../docs/reference/notify.md";

/// Everything behind this line is generated.
const MARK: &str = "<!-- Below: WRITE_REFERENCE=1 cargo test -p assurance-config reference -->\n";

#[test]
#[expect(clippy::disallowed_methods, reason = "the page is a file beside the code")]
fn the_reference_is_what_the_code_says() {
    let written = std::fs::read_to_string(PAGE).expect("the page is there");
    let (by_hand, _) = written.split_once(MARK).expect("the mark is there");
    let page = format!("{by_hand}{MARK}\n{}", assurance_config::notify_reference());
    if std::env::var_os("WRITE_REFERENCE").is_some() {
        std::fs::write(PAGE, &page).expect("the page is written");
        return;
    }
    assert!(
        written == page,
        "docs/reference/notify.md is out of date: WRITE_REFERENCE=1 cargo test -p assurance-config reference"
    );
}
