use assurance_storage::{Memory, Overlay, Storage};

#[test]
fn what_is_done_shows_above_and_never_below() {
    let below = Memory::new();
    for name in ["d/appended", "d/replaced", "d/removed", "d/kept"] {
        below.replace(name, b"old").unwrap();
    }
    let overlay = Overlay::new(below.clone());
    overlay.open_append("d/appended").unwrap().append(b" and new").unwrap();
    overlay.replace("d/replaced", b"new").unwrap();
    overlay.remove("d/removed").unwrap();
    overlay.publish("d/published", &mut &b"new"[..]).unwrap();
    assert!(overlay.publish("d/kept", &mut &b"new"[..]).unwrap_err().is_already_exists());
    assert!(overlay.remove("d/removed").unwrap_err().is_not_found());
    assert!(overlay.read("d/removed", 10).unwrap_err().is_not_found());

    let shown: Vec<(String, String)> = overlay
        .list("d")
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name.clone(), String::from_utf8(overlay.read(&entry.name, 20).unwrap()).unwrap()))
        .collect();
    let expected = [("appended", "old and new"), ("kept", "old"), ("published", "new"), ("replaced", "new")];
    assert_eq!(shown, expected.map(|(name, content)| (format!("d/{name}"), content.to_owned())));
    let mut buffer = [0; 3];
    assert_eq!(overlay.read_at("d/appended", 8, &mut buffer).unwrap(), 3);
    assert_eq!(&buffer, b"new");
    assert_eq!(overlay.list("d").unwrap()[0].bytes, 11);

    assert_eq!(below.list("d").unwrap().len(), 4);
    for entry in below.list("d").unwrap() {
        assert_eq!(below.read(&entry.name, 10).unwrap(), b"old", "{}", entry.name);
    }
    // What was removed can come back, as something new.
    overlay.open_append("d/removed").unwrap().append(b"fresh").unwrap();
    assert_eq!(overlay.read("d/removed", 10).unwrap(), b"fresh");
}
