//! Brings an edited text as close to the old one as can be, line by line.
//!
//! The TOML editor knows one line end only, and takes away with a table the comments above it. Here the old line ends
//! come back, and so do comments that a blank line sets apart from what was removed.

/// The edited text, in which every line that the old one has too is the old one's, byte for byte.
pub(crate) fn keep(old: &str, new: &str) -> String {
    let end = usual_end(old);
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.lines().collect();

    let same = |pair: &(&&str, &&str)| body(pair.0) == *pair.1;
    let before = old.iter().zip(&new).take_while(same).count();
    let after = old[before..].iter().rev().zip(new[before..].iter().rev()).take_while(same).count();
    let (removed, added) = (&old[before..old.len() - after], &new[before..new.len() - after]);

    let mut text = String::new();
    text.extend(old[..before].iter().copied());
    let following = added.first().copied().or(old[old.len() - after..].first().map(|line| body(line)));
    text.extend(apart(removed, following).iter().copied().filter(|line| !added.contains(&body(line))));
    let mut rest = removed;
    for line in added {
        finish_line(&mut text, end);
        match rest.iter().position(|old| body(old) == *line) {
            Some(place) => {
                text.push_str(rest[place]);
                rest = &rest[place + 1..];
            }
            None => {
                text.push_str(line);
                text.push_str(end);
            }
        }
    }
    text.extend(old[old.len() - after..].iter().copied());
    text
}

/// A text with another after it, a blank line between.
pub(crate) fn append(old: &str, new: &str) -> String {
    let end = usual_end(old);
    let mut text = old.to_owned();
    finish_line(&mut text, end);
    if !text.is_empty() && !text.ends_with(&format!("{end}{end}")) {
        text.push_str(end);
    }
    text.extend(new.lines().flat_map(|line| [line, end]));
    text
}

/// The line end that most lines have.
fn usual_end(text: &str) -> &'static str {
    let both = text.matches("\r\n").count();
    if both * 2 > text.matches('\n').count() { "\r\n" } else { "\n" }
}

fn body(line: &str) -> &str {
    line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line))
}

fn finish_line(text: &mut String, end: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(end);
    }
}

/// Of the lines above what was removed, those up to the last blank one: they are about something else. Blank lines only
/// as far as they still stand between two things.
fn apart<'l, 'o>(removed: &'l [&'o str], following: Option<&str>) -> &'l [&'o str] {
    let blank = |line: &&str| body(line).trim().is_empty();
    let comments = removed.iter().take_while(|line| blank(line) || line.trim_start().starts_with('#')).count();
    let mut kept = &removed[..removed[..comments].iter().rposition(blank).map_or(0, |last| last + 1)];
    let has_comment = kept.iter().any(|line| !blank(line));
    while kept.last().is_some_and(blank) && following.map_or(!has_comment, |line| line.trim().is_empty()) {
        kept = &kept[..kept.len() - 1];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_lines_come_back_as_they_were() {
        let check = |old, new, expected| assert_eq!(keep(old, new), expected);
        check("", "", "");
        check("a\r\nb\nc", "a\nb\nc", "a\r\nb\nc");
        check("a\r\nb\r\nc\n", "a\nx\nb\nc\n", "a\r\nx\r\nb\r\nc\n");
        check("a\nb\r\nc\n", "a\nx\nb\ny\nc\n", "a\nx\nb\r\ny\nc\n");
        check("a", "a\nb\n", "a\nb\n");
        check("a\nb\nc\n", "c\n", "c\n");
        check("# far\n\n# near\ngone\n", "", "# far\n\n");
        check("a\n\n# near\ngone\nb\n", "a\nb\n", "a\n\nb\n");
        check("a\n\ngone\n\nb\n", "a\n\nb\n", "a\n\nb\n");
        check("# far\n\ngone\nold\n", "new\n", "# far\n\nnew\n");
    }

    #[test]
    fn appends_after_a_blank_line() {
        let check = |old, expected| assert_eq!(append(old, "x\n"), expected);
        check("", "x\n");
        check("# a", "# a\n\nx\n");
        check("# a\n\n", "# a\n\nx\n");
        check("# a\r\n", "# a\r\n\r\nx\r\n");
    }
}
