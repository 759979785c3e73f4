use assurance_storage::{MAX_NAME_BYTES, check_directory, check_name};

#[test]
fn names_are_what_a_file_system_a_shell_and_a_url_agree_on() {
    for name in ["a", "hot/audit-2026-01-02.jsonl.sha256", "state/.hidden", "A_b-c.0"] {
        assert!(check_name(name).is_ok(), "{name}");
    }
    assert!(check_directory("").is_ok());
    assert!(check_name("").is_err());
    assert!(check_name(&"x".repeat(250)).is_ok());
    assert!(check_name(&"x".repeat(251)).is_err());
    let deep = vec!["x"; MAX_NAME_BYTES / 2].join("/");
    assert!(check_name(&deep).is_ok());
    assert!(check_name(&format!("{deep}/xx")).is_err());
}
