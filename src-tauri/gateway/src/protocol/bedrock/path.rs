//! Paths: `/model/{model}/converse`. A model's name may be an ARN, so that each sign but letters, digits and `-._~` is
//! written by its number, as Amazon's SDKs do.

use crate::protocol::Operation;
use crate::protocol::codec::segment;

/// The path of an operation; `None` where Bedrock's runtime has no such operation.
pub fn write(operation: Operation, model: &str, stream: bool) -> Option<String> {
    let verb = match operation {
        Operation::Chat if stream => "converse-stream",
        Operation::Chat => "converse",
        Operation::CountTokens => "count-tokens",
        Operation::Embeddings | Operation::Rerank | Operation::Images => "invoke",
        Operation::Completion
        | Operation::SingleEmbedding
        | Operation::Transcription
        | Operation::Translation
        | Operation::ImageEdit
        | Operation::Speech
        | Operation::Moderation
        | Operation::Raw
        | Operation::ShowModel => return None,
    };
    Some(format!("/model/{}/{verb}", encoded(model)))
}

/// A name as one segment of a path.
pub fn encoded(name: &str) -> String {
    segment::escaped(name, b"-._~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |operation, model, stream, expected: Option<&str>| {
            assert_eq!(write(operation, model, stream).as_deref(), expected, "{operation:?} {model}");
        };
        let nova = "amazon.nova-pro-v1:0";
        check(Operation::Chat, nova, false, Some("/model/amazon.nova-pro-v1%3A0/converse"));
        check(Operation::Chat, nova, true, Some("/model/amazon.nova-pro-v1%3A0/converse-stream"));
        check(Operation::Embeddings, "a/b", false, Some("/model/a%2Fb/invoke"));
        check(Operation::CountTokens, "../é", false, Some("/model/..%2F%C3%A9/count-tokens"));
        check(Operation::Rerank, "cohere.rerank-v3-5:0", false, Some("/model/cohere.rerank-v3-5%3A0/invoke"));
        check(Operation::Speech, nova, false, None);
    }
}
