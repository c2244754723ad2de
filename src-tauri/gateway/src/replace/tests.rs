use std::fs;

use super::*;

fn edit_to(path: &Path, new: &str) -> Result<bool, Fault> {
    edit(path, |_| Ok(Some(new.to_owned())))
}

/// Names in a folder: a draft that stays behind would be seen.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn makes_and_replaces_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/file");
    assert_eq!(text(&path).unwrap(), None);
    assert!(edit_to(&path, "one").unwrap());
    assert!(edit_to(&path, "two").unwrap());
    assert!(!edit_to(&path, "two").unwrap(), "the same text is not written again");
    assert!(!edit(&path, |_| Ok::<_, Fault>(None)).unwrap());
    assert_eq!(text(&path).unwrap().as_deref(), Some("two"));
    assert_eq!(names(path.parent().unwrap()), ["file"]);
}

#[test]
fn what_somebody_saved_meanwhile_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "a").unwrap();
    let mut asked = Vec::new();
    let written = edit(&path, |old| {
        asked.push(old.unwrap_or_default().to_owned());
        if asked.len() == 1 {
            fs::write(&path, "b").unwrap();
        }
        Ok::<_, Fault>(Some(format!("{}!", old.unwrap_or_default())))
    });
    assert!(written.unwrap());
    assert_eq!(asked, ["a", "b"]);
    assert_eq!(text(&path).unwrap().as_deref(), Some("b!"));

    let mut count = 0;
    let contended = edit(&path, |_| {
        count += 1;
        fs::write(&path, count.to_string()).unwrap();
        Ok::<_, Fault>(Some("mine".to_owned()))
    });
    assert!(matches!(contended, Err(Fault::Contended(_))), "it gives up rather than win");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn editors_of_our_own_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for line in 0..25 {
                    let add = |old: Option<&str>| {
                        Ok::<_, Fault>(Some(format!("{}{thread}-{line}\n", old.unwrap_or_default())))
                    };
                    assert!(edit(path, add).unwrap());
                }
            });
        }
    });
    assert_eq!(text(&path).unwrap().unwrap().lines().count(), 100, "every line of every thread");
}

#[test]
fn refuses_what_is_no_plain_text_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert!(matches!(edit_to(folder.path(), "x"), Err(Fault::NotAFile(_))));
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(edit_to(&path, "x"), Err(Fault::NotText(_))));
    fs::write(&path, " ".repeat(LARGEST as usize + 1)).unwrap();
    assert!(matches!(edit_to(&path, "x"), Err(Fault::TooLarge(_))));
    assert!(edit_to(&path.join("below"), "x").unwrap_err().to_string().contains("cannot be"));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn keeps_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        edit_to(&path, "one").unwrap();
        assert_eq!(mode(&path), 0o600, "a new file is the owner's alone");
        for wanted in [0o644, 0o640, 0o600] {
            fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
            edit_to(&path, &format!("{wanted}")).unwrap();
            assert_eq!(mode(&path), wanted);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(edit_to(&path, "two"), Err(Fault::ReadOnly(_))));
    }

    #[test]
    fn follows_links() {
        let folder = tempfile::tempdir().unwrap();
        let (link, middle, target) =
            (folder.path().join("link"), folder.path().join("middle"), folder.path().join("dotfiles/target"));
        fs::create_dir(target.parent().unwrap()).unwrap();
        symlink("middle", &link).unwrap();
        symlink("dotfiles/target", &middle).unwrap();
        for new in ["made", "replaced"] {
            assert!(edit_to(&link, new).unwrap());
            assert_eq!(fs::read_to_string(&target).unwrap(), new);
            assert!(link.is_symlink() && middle.is_symlink());
        }
        symlink("ring", folder.path().join("ring")).unwrap();
        assert!(edit_to(&folder.path().join("ring"), "x").is_err());
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(matches!(edit_to(&path, "x"), Err(Fault::NotAFile(_))));
        assert!(matches!(text(&path), Err(Fault::NotAFile(_))));
    }
}
