//! A count of tokens: the request without what only an answer needs, and the number.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::completion::Encoded;
use crate::protocol::codec::json;

/// What is counted. All else that a request says is refused as unknown.
const COUNTED: [&str; 6] = ["model", "messages", "system", "tools", "tool_choice", "thinking"];

/// The question for the tokens of an encoded request. What was dropped of what is not counted stays named: the answer
/// will lack it too.
pub(super) fn request(whole: &Encoded) -> Encoded {
    let Encoded { body, dropped } = whole;
    let fields = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body);
    let body = fields.map_or_else(
        |_| body.clone(),
        |mut fields| {
            fields.retain(|name, _| COUNTED.contains(&name.as_str()));
            json::body(&fields)
        },
    );
    Encoded { body, dropped: dropped.clone() }
}

/// The number.
pub(super) fn read(body: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Count {
        input_tokens: u32,
    }
    serde_json::from_slice::<Count>(body).ok().map(|count| count.input_tokens)
}
