//! Settings while it runs: an edit counts at once, a broken one keeps the last good and says where it is broken.

use pointsman_gateway::control::{Command, Reply};

use crate::harness::{EVERY_PROTOCOL, Gateway, Options, bounded, chat, fake};

const CHAT: &str = "/v1/chat/completions";

async fn target(gateway: &Gateway, model: &str) -> String {
    gateway.post(CHAT, &chat(model)).await.expect(200).await.header("x-pointsman-target").to_owned()
}

#[test]
fn a_route_in_the_file_counts_once_it_is_saved() {
    bounded(async {
        let (one, two) = (fake::speaks().await, fake::speaks().await);
        let options = Options::new().endpoint("one", &one.url(), EVERY_PROTOCOL, &["m"]).endpoint(
            "two",
            &two.url(),
            EVERY_PROTOCOL,
            &["m"],
        );
        let gateway = Gateway::start(options.clone().route("work", &["one:m"])).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        assert_eq!(target(&gateway, "work").await, "one/m");
        gateway.rewrite(&options.clone().route("work", &["two:m"]).settings());
        gateway
            .until("the new route", |snapshot| {
                snapshot.routes.iter().any(|route| route.name == "work" && route.targets == ["two:m"])
            })
            .await;
        assert_eq!(target(&gateway, "work").await, "two/m");
        // Written in place rather than renamed over, as some editors do.
        std::fs::write(gateway.settings_file(), options.route("work", &["one:m"]).settings()).expect("a file");
        gateway
            .until("the old route", |snapshot| {
                snapshot.routes.iter().any(|route| route.name == "work" && route.targets == ["one:m"])
            })
            .await;
        assert_eq!(target(&gateway, "work").await, "one/m");
    });
}

#[test]
fn a_broken_edit_keeps_the_last_good_settings_and_is_told() {
    bounded(async {
        let up = fake::speaks().await;
        let options = Options::new().endpoint("up", &up.url(), EVERY_PROTOCOL, &["m"]).route("work", &["up:m"]);
        let gateway = Gateway::start(options.clone()).await;
        gateway.ready("m").await;
        for (broken, line) in [
            (options.settings() + "\n[routes.work\n", "line"),
            (options.settings().replace("[limits]", "[limits]\nidle_seconds = \"soon\""), "idle_seconds"),
            (options.settings().replace("up:m", "up:m\", 7, \""), ""),
        ] {
            gateway.rewrite(&broken);
            let snapshot = gateway.until("the problem", |snapshot| snapshot.settings_problem.is_some()).await;
            let problem = snapshot.settings_problem.expect("a problem");
            assert!(problem.contains(line), "it says where: {problem}");
            assert_eq!(target(&gateway, "work").await, "up/m", "what was good is still in force");
            gateway.rewrite(&options.settings());
            gateway.until("no problem", |snapshot| snapshot.settings_problem.is_none()).await;
        }
    });
}

#[test]
fn a_key_that_means_nothing_is_told_and_stops_nothing() {
    bounded(async {
        let up = fake::speaks().await;
        let options = Options::new().endpoint("up", &up.url(), EVERY_PROTOCOL, &["m"]);
        let gateway = Gateway::start(options.clone()).await;
        gateway.ready("m").await;
        gateway.rewrite(&options.settings().replace("[limits]", "[limits]\nno_such_limit = 1"));
        let snapshot = gateway.until("the warning", |snapshot| !snapshot.settings_warnings.is_empty()).await;
        assert!(snapshot.settings_warnings[0].contains("no_such_limit"), "{:?}", snapshot.settings_warnings);
        let status = gateway.command(&["status"]).output().await.expect("a command");
        assert!(String::from_utf8_lossy(&status.stdout).contains("no_such_limit"), "a person is told, too");
        assert_eq!(snapshot.settings_problem, None, "a newer Pointsman's settings still work here");
    });
}

#[test]
fn a_file_that_is_gone_means_the_defaults_or_the_last_good() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        std::fs::remove_file(gateway.settings_file()).expect("a file");
        gateway.get("/v1/models").await.expect(200).await;
        gateway.rewrite(
            &Options::new().endpoint("up", &up.url(), EVERY_PROTOCOL, &["m"]).route("work", &["m"]).settings(),
        );
        gateway.until("the route", |snapshot| snapshot.routes.iter().any(|route| route.name == "work")).await;
        assert_eq!(target(&gateway, "work").await, "up/m");
    });
}

#[test]
fn an_endpoint_that_is_written_down_while_it_runs_is_there_and_goes_again() {
    bounded(async {
        let (one, two) = (fake::speaks().await, fake::speaks().await);
        let options = Options::new().endpoint("one", &one.url(), "openai", &["m"]);
        let gateway = Gateway::start(options.clone()).await;
        gateway.ready("m").await;
        gateway.rewrite(&options.clone().endpoint("two", &two.url(), "openai", &["n"]).settings());
        gateway.ready("n").await;
        assert_eq!(target(&gateway, "n").await, "two/n");
        gateway.rewrite(&options.settings());
        gateway.until("`two` to be gone", |snapshot| snapshot.endpoints.len() == 1).await;
        gateway.post(CHAT, &chat("n")).await.expect(404).await;
    });
}

#[test]
fn a_route_over_the_socket_is_written_and_keeps_the_users_comments() {
    bounded(async {
        let up = fake::speaks().await;
        let options = Options::new().endpoint("up", &up.url(), EVERY_PROTOCOL, &["m"]);
        let gateway = Gateway::start(options.clone().top("# mine, keep it")).await;
        gateway.ready("m").await;
        let set = Command::SetRoute { name: "work".to_owned(), targets: vec!["up:m".to_owned()], context: None };
        let reply = gateway.tell(&set).await;
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        gateway.until("the route", |snapshot| snapshot.routes.iter().any(|route| route.name == "work")).await;
        assert_eq!(target(&gateway, "work").await, "up/m");
        let text = std::fs::read_to_string(gateway.settings_file()).expect("settings");
        assert!(text.contains("# mine, keep it") && text.contains("up:m"), "{text}");
        let reply = gateway.tell(&Command::RemoveRoute { name: "work".to_owned() }).await;
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        gateway.until("no route", |snapshot| snapshot.routes.iter().all(|route| route.name != "work")).await;
        gateway.post(CHAT, &chat("work")).await.expect(404).await;
    });
}

#[test]
fn local_only_mode_over_the_socket_counts_at_once_and_is_kept() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for on in [true, false] {
            let reply = gateway.tell(&Command::SetLocalOnly { on }).await;
            assert!(matches!(reply, Reply::Done), "{reply:?}");
            gateway.until("the mode", |snapshot| snapshot.local_only == on).await;
            let text = std::fs::read_to_string(gateway.settings_file()).expect("settings");
            assert!(text.contains(&format!("local_only = {on}")), "{text}");
        }
    });
}

#[test]
fn a_running_stream_is_not_touched_by_a_change() {
    bounded(async {
        let up = fake::speaks().await;
        let options = Options::new().endpoint("up", &up.url(), EVERY_PROTOCOL, &["m"]);
        let gateway = Gateway::start(options.clone()).await;
        gateway.ready("m").await;
        let delta = serde_json::json!({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]});
        let end = serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        up.on("POST", CHAT, crate::harness::Script::events().event(&delta).gate().event(&end).done());
        let mut answer = gateway.post(CHAT, &crate::harness::chat_stream("m")).await.expect(200).await;
        assert!(answer.event_line().await.is_some());
        gateway.rewrite(&Options::new().settings());
        gateway.until("the endpoint to be gone", |snapshot| snapshot.endpoints.is_empty()).await;
        up.go();
        assert!(answer.text().await.ends_with("data: [DONE]\n\n"), "a request reads one snapshot from start to end");
    });
}
