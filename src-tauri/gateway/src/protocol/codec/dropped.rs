//! Names of what is left out, for whoever tells the client.
//!
//! Each name once and without indices: a long conversation would name the same field a hundred times, and the names go
//! into a header.

/// Adds a name: `messages[3].content[0].detail` as `messages[].content[].detail`.
pub(crate) fn note(dropped: &mut Vec<String>, name: impl AsRef<str>) {
    let name = without_indices(name.as_ref());
    if !dropped.contains(&name) {
        dropped.push(name);
    }
}

fn without_indices(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        plain.push(letter);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_once() {
        let mut dropped = Vec::new();
        for name in ["tools[0].strict", "user", "tools[12].strict", "user"] {
            note(&mut dropped, name);
        }
        assert_eq!(dropped, ["tools[].strict", "user"]);
    }
}
