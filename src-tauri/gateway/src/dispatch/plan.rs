//! Forward or translate: how a target is asked.
//!
//! Pure. Equal protocols are forwarded; unequal ones go through the hub to the protocol of the target that loses least.

use crate::catalog::Endpoint;
use crate::protocol::shape::Shape;
use crate::protocol::{Operation, Protocol, Speaks};

/// How a target is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan<'a> {
    /// The same protocol: bytes through, but for the model's name and the credential.
    Forward(&'a Speaks),
    /// Another protocol: through the hub.
    Translate(&'a Speaks),
    /// Nothing there counts tokens: the count is estimated here.
    Estimate,
}

/// The order in which protocols are preferred upstream, where the surface's own is not spoken. Chat completions first:
/// every runtime's own form, and the one whose quirks are known best. Ollama's comes last only because its own runtime is
/// treated apart.
const PREFERRED: [Protocol; 7] = [
    Protocol::OpenAiChat,
    Protocol::OpenAiResponses,
    Protocol::Cohere,
    // Before Anthropic's: where both are spoken, that is for Claude's own clients.
    Protocol::BedrockConverse,
    Protocol::Anthropic,
    Protocol::Gemini,
    Protocol::Ollama,
];

/// How `model` of `endpoint` can be asked; `None` if it cannot.
pub fn plan<'e>(protocol: Protocol, operation: Operation, endpoint: &'e Endpoint, model: &str) -> Option<Plan<'e>> {
    let speaks_to = |protocol, operation| endpoint.speaks_to(model, protocol, operation);
    let through = operation.through_hub();
    // Only Ollama's own API lets one set the context and forbid that a long prompt is cut without a word.
    let native = endpoint.origin.runtime() == Some("ollama") && operation != Operation::Completion;
    if native
        && protocol != Protocol::Ollama
        && let Some(speaks) = speaks_to(Protocol::Ollama, through?)
        && operation != Operation::CountTokens
    {
        return Some(Plan::Translate(speaks));
    }
    // What is translated is counted as it is then sent.
    let counts_only = operation == Operation::CountTokens && speaks_to(protocol, Operation::Chat).is_none();
    if let Some(speaks) = speaks_to(protocol, operation) {
        let read = speaks.shape.is_some_and(|shape| shape.is_read(operation, model));
        return Some(if counts_only || read { Plan::Translate(speaks) } else { Plan::Forward(speaks) });
    }
    if operation == Operation::CountTokens {
        // The protocols in which a whole conversation is counted, tools included.
        let counting = [Protocol::Anthropic, Protocol::Gemini, Protocol::BedrockConverse].into_iter();
        // Bedrock counts for Claude alone.
        let mut counting = counting.filter(|it| *it != Protocol::BedrockConverse || Shape::BedrockInvoke.suits(model));
        let counts = counting.find_map(|spoken| speaks_to(spoken, operation));
        return counts.map(Plan::Translate).or_else(|| endpoint.can(operation).then_some(Plan::Estimate));
    }
    let through = through?;
    PREFERRED.iter().find_map(|spoken| speaks_to(*spoken, through)).map(Plan::Translate)
}

#[cfg(test)]
mod tests;
