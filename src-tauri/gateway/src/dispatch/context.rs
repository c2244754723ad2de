//! How large a context Ollama is asked for.
//!
//! Ollama gives little by itself and loads the model anew for another size, so a size is asked for only where it must be:
//! what the client or the route says holds; what the model's owner set is left alone; what is loaded stays loaded while the
//! prompt fits; else the prompt gets the room that it needs. A prompt for which there is no room is refused by Ollama.

use super::{Inbound, estimate};
use crate::catalog::Model;
use crate::completion::CompletionRequest;

/// What Ollama gives a model for which nothing is set, on most machines.
const USUAL: u32 = 4096;
/// Room for an answer whose length nobody bounded.
const ANSWER: u32 = 1024;

/// The size to ask for; `None` leaves it to Ollama, or to the client's own word in the request.
pub(super) fn wanted(chat: &CompletionRequest, inbound: &Inbound, model: &Model) -> Option<u32> {
    if chat.context.is_some() {
        return None;
    }
    size(inbound.context, model, estimate::tokens(chat).saturating_add(chat.max_tokens.unwrap_or(ANSWER)))
}

/// The same for a body that nobody here reads: as if the prompt fitted.
pub(super) fn kept(inbound: &Inbound, model: &Model) -> Option<u32> {
    size(inbound.context, model, 0)
}

fn size(route: Option<u32>, model: &Model, needed: u32) -> Option<u32> {
    // Whoever loaded it may have asked for another size than the usual one, which asking for none would undo.
    let loaded = model.context.effective.filter(|_| model.is_loaded());
    if route.is_some() {
        return route;
    }
    if model.context.configured.is_some() {
        return loaded;
    }
    if needed <= loaded.unwrap_or(USUAL) {
        return loaded;
    }
    // Powers of two, so that a conversation that grows does not load the model anew at each turn.
    let most = model.context.trained?;
    Some(needed.checked_next_power_of_two().unwrap_or(most).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Context, ModelState};

    /// `loaded`: the size with which it is loaded.
    #[track_caller]
    fn check(route: Option<u32>, configured: Option<u32>, loaded: Option<u32>, needed: u32, expected: Option<u32>) {
        let mut model = Model::named("m", "ollama@1".into(), true);
        model.context = Context { trained: Some(40_960), effective: loaded.or(configured), configured };
        if loaded.is_some() {
            model.state = ModelState::Loaded;
        }
        assert_eq!(size(route, &model, needed), expected, "{route:?} {configured:?} {loaded:?} {needed}");
    }

    #[test]
    fn as_little_as_fits() {
        check(None, None, None, 3000, None);
        check(None, None, None, 5000, Some(8192));
        check(None, None, None, 30_000, Some(32_768));
        check(None, None, None, 90_000, Some(40_960));
        check(None, None, Some(16_384), 3000, Some(16_384));
        check(None, None, Some(4096), 5000, Some(8192));
        check(None, Some(2048), None, 5000, None);
        check(None, Some(2048), Some(2048), 5000, Some(2048));
        check(Some(1024), Some(2048), Some(2048), 5000, Some(1024));
    }
}
