//! What a coding agent changes from turn to turn does not make a local model read its prompt anew.

use crate::harness::agent_session::{AgentSession, TURNS};
use crate::harness::runtime::{LlamaOptions, LlamaServer, SMOL, parts};
use crate::harness::{Gateway, Options, bounded};

#[test]
fn a_changing_session_is_read_from_the_cache() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let llama = LlamaServer::start(
            &parts,
            &parts.smol(),
            LlamaOptions { alias: Some(SMOL.into()), ..LlamaOptions::default() },
        )
        .await;
        // Once in its own Messages API, and once through the hub to its chat completions.
        let messages = Gateway::start(Options::new().endpoint("lab", &llama.url(), "anthropic", &[SMOL])).await;
        messages.ready(SMOL).await;
        let chat = Gateway::start(Options::new().discovers(llama.port())).await;
        chat.ready(SMOL).await;
        for (way, gateway) in [("forwarded", &messages), ("translated", &chat)] {
            let mut session = AgentSession::new(SMOL);
            for _ in 0..TURNS {
                let answer = gateway.post("/v1/messages", &session.ask()).await.expect(200).await.json().await;
                session.hear(&answer);
            }
            let AgentSession { reusable, cached, .. } = session;
            assert!(reusable > 5000, "{way}: a session of {reusable} tokens says nothing");
            assert!(session.share() > 0.97, "{way}: {cached} of {reusable} tokens came from the cache");
        }
    });
}
