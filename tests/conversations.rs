//! The chat's conversations, kept over the control socket.

use pointsman_gateway::control::{Command, NewMessage, Reply};
use serde_json::json;

use crate::harness::{Gateway, Options, bounded, files_with};

fn message(parent: Option<i64>, role: &str, text: &str) -> NewMessage {
    NewMessage {
        parent,
        role: role.to_owned(),
        text: text.to_owned(),
        reasoning: None,
        images: Vec::new(),
        facts: json!({}),
    }
}

async fn save(gateway: &Gateway, conversation: Option<i64>, message: NewMessage) -> (i64, i64) {
    match gateway.tell(&Command::SaveMessage { conversation, message }).await {
        Reply::Saved { conversation, message } => (conversation, message),
        other => panic!("not saved: {other:?}"),
    }
}

async fn titles(gateway: &Gateway, search: Option<&str>) -> Vec<String> {
    match gateway.tell(&Command::Conversations { search: search.map(str::to_owned) }).await {
        Reply::Conversations { rows } => rows.into_iter().map(|row| row.title).collect(),
        other => panic!("no list: {other:?}"),
    }
}

#[test]
fn a_conversation_outlives_the_gateway_until_it_is_deleted() {
    bounded(async {
        let mut gateway = Gateway::start(Options::new()).await;
        assert!(titles(&gateway, None).await.is_empty());
        let (id, question) = save(&gateway, None, message(None, "user", "Why is the sky blue?")).await;
        // Two megabytes of a picture, more than any other command.
        let picture = format!("data:image/png;base64,{}", "QUJD".repeat(500_000));
        let answer = NewMessage {
            images: vec![picture.clone()],
            ..message(Some(question), "assistant", "Because of Rayleigh.")
        };
        save(&gateway, Some(id), answer).await;
        save(&gateway, None, message(None, "user", "Another one")).await;
        assert_eq!(titles(&gateway, Some("sky rayl")).await, ["Why is the sky blue?"]);
        gateway.tell(&Command::Stop).await;
        gateway.ended().await;

        let gateway = Gateway::start_in(gateway.into_root(), &Options::new()).await;
        assert_eq!(titles(&gateway, None).await, ["Another one", "Why is the sky blue?"]);
        let Reply::Conversation(kept) = gateway.tell(&Command::Conversation { id }).await else { panic!("none") };
        assert_eq!((kept.messages.len(), &kept.messages[1].images), (2, &vec![picture]));
        let renamed = gateway.tell(&Command::RenameConversation { id, title: "Sky".into() }).await;
        assert!(matches!(renamed, Reply::Done), "{renamed:?}");
        assert_eq!(titles(&gateway, Some("sky")).await, ["Sky"]);
        let deleted = gateway.tell(&Command::DeleteConversation { id }).await;
        assert!(matches!(deleted, Reply::Done), "{deleted:?}");
        assert_eq!(files_with(gateway.root(), "Rayleigh"), [] as [std::path::PathBuf; 0]);
        let gone = gateway.tell(&Command::Conversation { id }).await;
        assert!(matches!(&gone, Reply::Failed { message } if message.contains("no conversation")), "{gone:?}");
    });
}
