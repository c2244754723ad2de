//! Words: how text is cut into them before SQLite indexes it, and what a search means.
//!
//! SQLite finds words where there are spaces or signs between them. Chinese and Japanese have none, nor have Thai, Lao, Khmer
//! and Burmese: there each letter is made a word of its own, and a searched word is then a row of neighbours. Pure.

/// Put between two letters of such a script. It is no part of any word, and nobody sees it in an excerpt.
const CUT: char = '\u{200b}';
/// The most words of one search; further ones say nothing more.
const MOST_WORDS: usize = 16;
/// The longest title that is made of a message.
const TITLE: usize = 60;

/// A text as it is indexed.
pub(super) fn indexed(text: &str) -> String {
    let mut cut = String::with_capacity(text.len());
    let mut before = false;
    for letter in text.chars() {
        let alone = stands_alone(letter);
        if (alone || before) && !cut.is_empty() {
            cut.push(CUT);
        }
        cut.push(letter);
        before = alone;
    }
    cut
}

/// An excerpt of an indexed text, as the text had it.
pub(super) fn readable(excerpt: &str) -> String {
    excerpt.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).filter(|it| *it != CUT).collect()
}

/// The searched words, each as SQLite's query language wants it. The last one may be the beginning of a word, since it may
/// not be written to its end yet.
pub(super) fn searched(search: &str) -> Vec<String> {
    let words = search.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric));
    let mut words: Vec<String> =
        words.take(MOST_WORDS).map(|word| format!("\"{}\"", indexed(word).replace('"', "\"\""))).collect();
    // A word that was written to its end has a space or a sign behind it.
    if let Some(last) = words.last_mut().filter(|_| search.ends_with(char::is_alphanumeric)) {
        last.push('*');
    }
    words
}

/// A title from the first words.
pub(super) fn title(text: &str) -> String {
    let mut title = String::new();
    for word in text.split_whitespace() {
        let space = usize::from(!title.is_empty());
        if title.chars().count() + space + word.chars().count() > TITLE {
            if title.is_empty() {
                title.extend(word.chars().take(TITLE - 1));
            }
            title.push('…');
            break;
        }
        if space > 0 {
            title.push(' ');
        }
        title.push_str(word);
    }
    title.chars().filter(|letter| !letter.is_control()).collect()
}

/// Letters of scripts that put nothing between words.
fn stands_alone(letter: char) -> bool {
    matches!(letter,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_without_spaces_are_cut() {
        let check = |text: &str, expected: &str| {
            assert_eq!(indexed(text).replace(CUT, "|"), expected);
            assert_eq!(readable(&indexed(text)), text);
        };
        check("hello world", "hello world");
        check("東京", "東|京");
        check("GPU東京x", "GPU|東|京|x");
        check("東 京", "東| |京");
        check("", "");
    }

    #[test]
    fn a_search_is_words_and_a_beginning() {
        let check = |search: &str, expected: &[&str]| assert_eq!(searched(search).concat(), expected.concat());
        check("one two", &["\"one\"", "\"two\"*"]);
        check("one two ", &["\"one\"", "\"two\""]);
        check("say \"it\"", &["\"say\"", "\"\"\"it\"\"\""]);
        check("a-b OR *", &["\"a-b\"", "\"OR\""]);
        check("?! …", &[]);
    }

    #[test]
    fn a_title_is_the_first_words() {
        let check = |text: &str, expected: &str| assert_eq!(title(text), expected);
        check("  Why is\nthe sky blue? ", "Why is the sky blue?");
        check(&"word ".repeat(20), &format!("{}…", ["word"; 12].join(" ")));
        check(&"東".repeat(99), &format!("{}…", "東".repeat(59)));
        check("a\u{7}b", "ab");
        check("", "");
    }
}
