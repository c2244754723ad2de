//! What the two programs say to each other, a line each: the tray's process to the window that it leads, and the window's
//! program back where it looked for a newer version.

/// What the tray process says to the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Come forward, and show this view where one is named.
    Show(Option<String>),
    /// Why no gateway serves; none once one does again.
    Trouble(Option<String>),
}

impl Line {
    /// As it is written.
    pub fn write(&self) -> String {
        let (word, rest) = match self {
            Line::Show(view) => ("show", view),
            Line::Trouble(trouble) => ("trouble", trouble),
        };
        written(word, rest.as_deref())
    }

    /// As it is read.
    pub fn read(line: &str) -> Option<Line> {
        let (word, rest) = read(line);
        match word {
            "show" => Some(Line::Show(rest)),
            "trouble" => Some(Line::Trouble(rest)),
            _ => None,
        }
    }
}

/// What the window's program found out about newer versions, on its stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There is one; none where this one is the newest.
    Newer(Option<String>),
    /// It is installed, and runs from the next start on.
    Installed,
    /// It could not be told or done, in words for a person.
    Failed(String),
}

impl Answer {
    /// As it is written.
    pub fn write(&self) -> String {
        match self {
            Answer::Newer(version) => written("newer", version.as_deref()),
            Answer::Installed => written("installed", None),
            Answer::Failed(problem) => written("failed", Some(problem)),
        }
    }

    /// As it is read.
    pub fn read(line: &str) -> Option<Answer> {
        let (word, rest) = read(line);
        match word {
            "newer" => Some(Answer::Newer(rest)),
            "installed" => Some(Answer::Installed),
            "failed" => Some(Answer::Failed(rest.unwrap_or_default())),
            _ => None,
        }
    }
}

fn written(word: &str, rest: Option<&str>) -> String {
    match rest {
        // A line is a line.
        Some(rest) => format!("{word} {}\n", rest.replace(['\n', '\r'], " ")),
        None => format!("{word}\n"),
    }
}

fn read(line: &str) -> (&str, Option<String>) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    (word, Some(rest.to_owned()).filter(|rest| !rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &Line, written: &str) {
        assert_eq!(line.write(), format!("{written}\n"));
        assert_eq!(Line::read(written).as_ref(), Some(line), "what is written is read");
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        check(&Line::Show(None), "show");
        check(&Line::Show(Some("models:my route".to_owned())), "show models:my route");
        check(&Line::Trouble(Some("port 4747 is taken".to_owned())), "trouble port 4747 is taken");
        check(&Line::Trouble(None), "trouble");
        assert_eq!(Line::Trouble(Some("one\ntwo".to_owned())).write(), "trouble one two\n", "a line is a line");
        assert_eq!(Line::read("quit now"), None);
    }

    fn check_answer(answer: &Answer, written: &str) {
        assert_eq!(answer.write(), format!("{written}\n"));
        assert_eq!(Answer::read(written).as_ref(), Some(answer), "what is written is read");
    }

    #[test]
    fn answers_are_read_as_they_are_written() {
        check_answer(&Answer::Newer(Some("1.2.0".to_owned())), "newer 1.2.0");
        check_answer(&Answer::Newer(None), "newer");
        check_answer(&Answer::Installed, "installed");
        check_answer(&Answer::Failed("no network".to_owned()), "failed no network");
        assert_eq!(Answer::read("a library's own words"), None);
    }
}
