//! Attack 19: somebody else holds our port first. That the start fails and names them is in `shutdown`.

use crate::harness::{Fake, Options, Script, bounded, new_root, pointsman, settings_file, within, write_settings};

#[test]
fn attack_19_whoever_holds_our_port_is_handed_nothing() {
    bounded(async {
        let squatter = Fake::new().await;
        squatter.on("*", "*", Script::json(&serde_json::json!({"instance": "forged", "version": "9.9.9"})));
        let root = new_root();
        let settings = Options::new().top(&format!("port = {}", squatter.port())).settings();
        write_settings(root.path(), &settings);
        let run = |arguments: &'static [&'static str]| {
            let mut command = pointsman(root.path(), &[("OPENAI_API_KEY".to_owned(), "sk-canary-squat".to_owned())]);
            command.args(arguments).arg("--config").arg(settings_file(root.path()));
            command
        };
        let output = within("`serve` to give up", run(&["serve"]).output()).await.expect("its output");
        assert!(!output.status.success());
        for request in squatter.requests() {
            assert_eq!(request.method, "GET", "{}", request.text());
            assert!(!request.has("authorization") && !request.text().contains("canary"), "{}", request.text());
        }
    });
}

#[test]
fn attack_19_commands_do_not_believe_whoever_answers_on_our_port() {
    bounded(async {
        let squatter = Fake::new().await;
        squatter.on("*", "*", Script::json(&serde_json::json!({"data": [{"id": "forged"}], "instance": "forged"})));
        let root = new_root();
        write_settings(root.path(), &Options::new().top(&format!("port = {}", squatter.port())).settings());
        for arguments in [&["status", "--json"][..], &["models", "--json"], &["routes", "list"]] {
            let output =
                within("a command", pointsman(root.path(), &[]).args(arguments).output()).await.expect("output");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(!output.status.success(), "{arguments:?}: no gateway of ours runs: {said}");
            assert!(!said.contains("forged"), "{arguments:?}: {said}");
        }
        assert!(squatter.requests().iter().all(|request| request.method == "GET" && request.body.is_empty()));
    });
}
