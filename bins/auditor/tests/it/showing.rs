use crate::archive::Archive;

#[test]
fn the_leaves_are_shown() {
    let archive = Archive::sound();
    insta::assert_snapshot!("leaves", archive.run("show archive").all());
    insta::assert_snapshot!("leaf", archive.run("show archive --leaf 2026-01-03").all());
    assert_eq!(
        archive.run("show archive --leaf 2").stdout,
        archive.run("show archive --leaf 2026-01-03").stdout
    );
    assert_eq!(archive.run("show archive -o json").stdout.lines().count(), 4);
    let ran = archive.run("show archive --leaf 2026-01-09");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
}

#[test]
fn help_tells_the_exit_codes() {
    let archive = Archive::sound();
    for command in ["", "verify", "prove", "verify-proof", "show"] {
        let ran = archive.run(&format!("{command} --help"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        insta::assert_snapshot!(format!("help_{command}"), ran.stdout);
    }
}
