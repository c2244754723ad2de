//! The fold keeps order and numbers, and survives contradictions.

use super::*;

fn fold(deltas: Vec<Delta>) -> Vec<Part> {
    let mut completion: Completion = deltas.into_iter().collect();
    completion.choices.pop().map(|choice| choice.parts).unwrap_or_default()
}

#[test]
fn parts_stand_in_the_order_in_which_they_begin() {
    let call =
        |part, id: &str| Delta::ToolCall { choice: 0, part, id: id.into(), name: "f".into(), kind: ToolKind::Function };
    let arguments = |part, json: &str| Delta::Arguments { choice: 0, part, json: json.into() };
    let parts = fold(vec![
        Delta::Text { choice: 0, part: 0, text: "a".into() },
        call(1, "x"),
        call(2, "y"),
        arguments(2, "{\"b\""),
        arguments(1, "{}"),
        arguments(2, ":1}"),
        Delta::Text { choice: 0, part: 0, text: "b".into() },
    ]);
    let made = |id: &str, json: &str| {
        Part::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            arguments: json.into(),
            kind: ToolKind::Function,
            state: None,
        })
    };
    assert_eq!(parts, vec![Part::text("ab"), made("x", "{}"), made("y", "{\"b\":1}")]);
}

#[test]
fn contradictions_are_left_out() {
    let parts = fold(vec![
        Delta::Text { choice: 0, part: 0, text: "a".into() },
        Delta::Arguments { choice: 0, part: 0, json: "{}".into() },
        Delta::Arguments { choice: 0, part: 7, json: "{}".into() },
        Delta::Text { choice: u32::MAX, part: 0, text: "far".into() },
    ]);
    assert_eq!(parts, vec![Part::text("a")], "only the text is left");
}
