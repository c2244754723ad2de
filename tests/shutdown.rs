//! How it stops and how it fails to start: streams get their time, and whoever holds the port is named.

use std::process::Stdio;
use std::time::{Duration, Instant};

use pointsman_gateway::control::{Command, Reply};
use serde_json::json;

use crate::harness::{
    Ask, Fake, Gateway, Options, Port, Script, bounded, chat, chat_stream, fake, new_root, serve, within,
    write_settings,
};

const CHAT: &str = "/v1/chat/completions";

fn gated() -> Script {
    let delta = json!({"choices": [{"index": 0, "delta": {"content": "begun"}, "finish_reason": null}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    Script::events().event(&delta).gate().event(&end).done()
}

#[test]
fn a_stop_lets_open_streams_end() {
    bounded(async {
        for signal in ["TERM", "INT"] {
            let up = fake::speaks().await;
            let mut gateway = Gateway::over(&up).await;
            up.on("POST", CHAT, gated());
            let mut answer = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await;
            assert!(answer.event_line().await.is_some());
            gateway.signal(signal).await;
            refuses(gateway.port()).await;
            up.go();
            assert!(answer.text().await.ends_with("data: [DONE]\n\n"), "{signal}: the stream came to its own end");
            assert_eq!(gateway.ended().await.code(), Some(0), "{signal}");
        }
    });
}

#[test]
fn a_stop_waits_only_so_long() {
    bounded(async {
        let up = fake::speaks().await;
        let mut gateway = Gateway::over_with(&up, Options::new().limit("drain_seconds = 1")).await;
        up.on("POST", CHAT, gated());
        let mut answer = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await;
        assert!(answer.event_line().await.is_some());
        let asked = Instant::now();
        gateway.signal("TERM").await;
        // What has not ended by then is told, if it can be, and in no case ends as if complete.
        let rest = answer.whole().await;
        assert!(rest.is_err() || rest.is_ok_and(|rest| !String::from_utf8_lossy(&rest).contains("[DONE]")));
        assert_eq!(gateway.ended().await.code(), Some(0));
        assert!(asked.elapsed() < Duration::from_secs(5), "it took {:?}", asked.elapsed());
    });
}

#[test]
fn a_second_signal_stops_at_once() {
    bounded(async {
        let up = fake::speaks().await;
        let mut gateway = Gateway::over_with(&up, Options::new().limit("drain_seconds = 600")).await;
        up.on("POST", CHAT, gated());
        let mut answer = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await;
        assert!(answer.event_line().await.is_some());
        gateway.signal("INT").await;
        refuses(gateway.port()).await;
        gateway.signal("INT").await;
        gateway.ended().await;
    });
}

#[test]
fn an_idle_gateway_stops_at_once_and_leaves_no_socket() {
    bounded(async {
        let mut gateway = Gateway::start(Options::new()).await;
        // A connection that asks nothing must not hold it.
        let _idle = crate::harness::Raw::connect(gateway.port()).await;
        let _watching = gateway.control().await.until("a snapshot", |_| true).await;
        let asked = Instant::now();
        gateway.signal("TERM").await;
        assert_eq!(gateway.ended().await.code(), Some(0));
        assert!(asked.elapsed() < Duration::from_secs(3), "it took {:?}", asked.elapsed());
        assert!(!gateway.root().join("run/pointsman/control.sock").exists());
    });
}

#[test]
fn the_control_socket_can_stop_it() {
    bounded(async {
        let mut gateway = Gateway::start(Options::new()).await;
        let reply = gateway.tell(&Command::Stop).await;
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        assert_eq!(gateway.ended().await.code(), Some(0));
    });
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_its_owner() {
    bounded(async {
        let squatter = Fake::new().await;
        let (status, said) = start_on(squatter.port()).await;
        assert!(status != Some(0), "it must not pretend to run");
        assert!(said.contains(&squatter.port().to_string()), "the port: {said}");
        if cfg!(target_os = "linux") {
            let own = std::process::id().to_string();
            assert!(said.contains(&own), "the process that holds it, {own}: {said}");
        }
        assert!(
            squatter.requests().iter().all(|request| request.method == "GET"),
            "nothing is handed to whoever is there"
        );
    });
}

#[test]
fn a_second_pointsman_on_the_port_is_named_as_such() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        let (status, said) = start_on(gateway.port()).await;
        assert!(status != Some(0));
        assert!(said.to_lowercase().contains("pointsman"), "{said}");
    });
}

#[test]
fn a_second_gateway_for_the_same_user_is_refused() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        let options = Options::new();
        let mut second = serve(gateway.root(), &options, &["--port", "0"]);
        let status = within("the second to give up", second.wait()).await.expect("its status");
        assert!(!status.success(), "two gateways would fight for one control socket");
        gateway.get("/v1/models").await.expect(200).await;
        gateway.until("a snapshot", |_| true).await;
    });
}

#[test]
fn a_socket_that_a_killed_gateway_left_is_no_obstacle() {
    bounded(async {
        let mut gateway = Gateway::start(Options::new()).await;
        gateway.signal("KILL").await;
        gateway.ended().await;
        let gateway = Gateway::start_in(gateway.into_root(), &Options::new()).await;
        gateway.until("a snapshot", |_| true).await;
    });
}

#[test]
fn settings_that_cannot_be_read_at_the_start_are_an_error_with_the_line() {
    bounded(async {
        let root = new_root();
        write_settings(root.path(), "port = 4747\nbind = [\"127.0.0.1\"\nrequire_key = 1\n");
        let output = within("the end", serve_raw(root.path(), 0).output()).await.expect("output");
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("settings.toml") && said.contains('3'), "the file and the line: {said}");
    });
}

fn serve_raw(root: &std::path::Path, port: u16) -> tokio::process::Command {
    let mut command = crate::harness::pointsman(root, &[]);
    command.args(["serve", "--port", &port.to_string(), "--config"]).arg(crate::harness::settings_file(root));
    command.stdin(Stdio::null());
    command
}

async fn start_on(port: u16) -> (Option<i32>, String) {
    let root = new_root();
    write_settings(root.path(), &Options::new().settings());
    let output = within("`serve` to give up", serve_raw(root.path(), port).output()).await.expect("output");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Waits until the port takes no new connection: the first thing that a stop does.
async fn refuses(port: u16) {
    within("the port to close", async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn a_request_that_comes_while_stopping_on_an_open_connection_is_told() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, gated());
        let mut answer = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await;
        assert!(answer.event_line().await.is_some());
        let mut open = crate::harness::Raw::connect(gateway.port()).await;
        let host = format!("127.0.0.1:{}", gateway.port());
        open.send(format!("GET /v1/models HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        assert_eq!(open.answer().await.status, 200);
        gateway.signal("TERM").await;
        refuses(gateway.port()).await;
        open.send(format!("GET /v1/models HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        let late = open.answer().await;
        assert!([0, 503].contains(&late.status), "closed or told, never served half: {late:?}");
        up.go();
        assert!(answer.text().await.contains("[DONE]"));
    });
}

#[test]
fn listens_on_both_loopbacks_with_one_port() {
    bounded(async {
        let port = Port::reserve();
        let number = port.number();
        drop(port);
        let options = Options::new().bind("[\"127.0.0.1\", \"::1\"]").top(&format!("port = {number}"));
        let gateway = Gateway::start_on(options, number).await;
        let snapshot = gateway.until("a snapshot", |_| true).await;
        assert!(snapshot.addresses.contains(&format!("127.0.0.1:{number}")), "{:?}", snapshot.addresses);
        if snapshot.addresses.len() == 2 {
            let stream = tokio::net::TcpStream::connect(("::1", number)).await;
            assert!(stream.is_ok(), "it says that it listens on {:?}", snapshot.addresses);
        }
        Ask::post(CHAT, &chat("nope")).send(number).await.expect(404).await;
    });
}
