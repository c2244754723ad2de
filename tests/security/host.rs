//! Attacks 1, 2, 3 and 30: DNS rebinding, wrong ports, unusual spellings of this machine, and binding beyond it.

use std::process::Stdio;

use crate::harness::{
    Fake, Gateway, Options, bounded, fake, new_root, pointsman, raw, settings_file, within, write_settings,
};

const CHAT: &str = "/v1/chat/completions";

async fn start() -> (Gateway, Fake) {
    let up = fake::speaks().await;
    (Gateway::over(&up).await, up)
}

/// A request with exactly these header lines after the first, the body's apart.
fn request(method: &str, target: &str, lines: &str) -> String {
    let body = if method == "POST" { r#"{"model":"m","messages":[]}"# } else { "" };
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\n{lines}content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

async fn refused(gateway: &Gateway, up: &Fake, method: &str, target: &str, lines: &str) {
    let answer = raw(gateway.port(), request(method, target, lines)).await;
    assert!([400, 403, 421].contains(&answer.status), "{method} {target} {lines:?}: {answer:?}");
    let text = answer.text();
    assert!(!text.contains("evil") && !text.contains("nip.io"), "what was sent is not repeated: {text}");
    assert!(answer.header("access-control-allow-origin").is_empty());
    assert!(up.requests_for(CHAT).is_empty(), "{lines:?} reached the endpoint");
}

const TARGETS: [(&str, &str); 9] = [
    ("POST", CHAT),
    ("GET", "/v1/models"),
    ("POST", "/api/chat"),
    ("GET", "/api/tags"),
    ("GET", "/api/version"),
    ("GET", "/"),
    ("GET", "/.well-known/pointsman.json"),
    ("OPTIONS", CHAT),
    ("GET", "/nope"),
];

#[test]
fn attack_01_rebinding_is_refused_on_every_path() {
    bounded(async {
        let (gateway, up) = start().await;
        let port = gateway.port();
        for host in [
            format!("evil.example:{port}"),
            "evil.example".to_owned(),
            format!("127.0.0.1.nip.io:{port}"),
            format!("localhost.evil.com:{port}"),
            format!("evil-localhost:{port}"),
            format!("127.0.0.1:{port}@evil.example"),
            format!("evil.example#127.0.0.1:{port}"),
            format!("127.0.0.1:{port}.evil.example"),
            format!("127.0.0.1:{port}, evil.example"),
        ] {
            for (method, target) in TARGETS {
                refused(&gateway, &up, method, target, &format!("host: {host}\r\n")).await;
            }
        }
    });
}

#[test]
fn attack_01_no_host_an_empty_one_and_two_are_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        let own = format!("127.0.0.1:{}", gateway.port());
        for lines in [
            String::new(),
            "host:\r\n".to_owned(),
            "host: \r\n".to_owned(),
            format!("host: {own}\r\nhost: evil.example\r\n"),
            format!("host: evil.example\r\nhost: {own}\r\n"),
            format!("host: {own}\r\nhost: {own}\r\n"),
        ] {
            for (method, target) in TARGETS {
                refused(&gateway, &up, method, target, &lines).await;
            }
        }
    });
}

#[test]
fn attack_01_a_target_with_a_host_of_its_own_is_refused_unless_it_is_ours() {
    bounded(async {
        let (gateway, up) = start().await;
        let own = format!("127.0.0.1:{}", gateway.port());
        for target in [format!("http://evil.example{CHAT}"), format!("http://{own}@evil.example{CHAT}")] {
            refused(&gateway, &up, "POST", &target, &format!("host: {own}\r\n")).await;
        }
        // The Host lies where the target is ours: whoever believes either is led astray.
        refused(&gateway, &up, "POST", &format!("http://{own}{CHAT}"), "host: evil.example\r\n").await;
        let tunnel = raw(gateway.port(), format!("CONNECT evil.example:443 HTTP/1.1\r\nhost: {own}\r\n\r\n")).await;
        assert!(tunnel.status >= 400 || tunnel.status == 0, "{tunnel:?}");
    });
}

#[test]
fn attack_01_our_own_names_are_served() {
    bounded(async {
        let (gateway, _up) = start().await;
        let port = gateway.port();
        for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")] {
            let answer = raw(port, request("POST", CHAT, &format!("host: {host}\r\n"))).await;
            assert_eq!(answer.status, 200, "{host}: {answer:?}");
        }
    });
}

#[test]
fn attack_02_the_right_name_with_a_wrong_port_is_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        let other = gateway.port() ^ 1;
        for host in [
            format!("127.0.0.1:{other}"),
            format!("localhost:{other}"),
            "127.0.0.1".to_owned(),
            "localhost".to_owned(),
            "LOCALHOST".to_owned(),
            "localhost:".to_owned(),
            "localhost:0".to_owned(),
            format!("localhost:0{}", gateway.port()),
            format!("localhost:+{}", gateway.port()),
            format!("localhost:{}x", gateway.port()),
            format!("localhost: {}", gateway.port()),
            format!("localhost:{}", u64::from(gateway.port()) + 65_536),
        ] {
            refused(&gateway, &up, "POST", CHAT, &format!("host: {host}\r\n")).await;
        }
    });
}

#[test]
fn attack_03_other_spellings_of_this_machine_are_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        let port = gateway.port();
        for name in [
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.2",
            "127.0.0.01",
            "localhost.",
            "localhost.localdomain",
            "[::1%25lo]",
            "::1",
            "ip6-localhost",
        ] {
            refused(&gateway, &up, "POST", CHAT, &format!("host: {name}:{port}\r\n")).await;
        }
    });
}

#[test]
fn attack_03_a_name_that_the_user_lists_is_served() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().top("allowed_hosts = [\"host.docker.internal\"]")).await;
        let port = gateway.port();
        let ask = |host: String| raw(port, request("POST", CHAT, &format!("host: {host}\r\n")));
        assert_eq!(ask(format!("host.docker.internal:{port}")).await.status, 200);
        assert_eq!(ask(format!("x.host.docker.internal:{port}")).await.status, 421);
        assert_eq!(ask(format!("host.docker.internal:{}", port ^ 1)).await.status, 421);
    });
}

async fn refuses_to_start(settings: &str) -> String {
    let root = new_root();
    write_settings(root.path(), settings);
    let mut command = pointsman(root.path(), &[]);
    command.args(["serve", "--port", "0", "--config"]).arg(settings_file(root.path())).stdin(Stdio::null());
    let output = within("`serve` to give up", command.output()).await.expect("its output");
    assert!(!output.status.success(), "{settings}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn attack_30_listening_beyond_this_machine_needs_keys_for_all() {
    bounded(async {
        for address in ["0.0.0.0", "::", "192.0.2.2"] {
            let settings = Options::new().bind(&format!("[\"{address}\"]")).settings();
            let said = refuses_to_start(&settings).await;
            assert!(said.contains("require_key"), "it says what to do: {said}");
        }
    });
}

#[test]
fn attack_30_listening_beyond_this_machine_keeps_every_check() {
    bounded(async {
        let up = fake::speaks().await;
        let options = Options::new().bind("[\"0.0.0.0\"]").top("require_key = \"always\"");
        let gateway = Gateway::over_with(&up, options).await;
        let key = gateway.client_key("editor").await;
        let port = gateway.port();
        let with_key = |lines: &str| request("POST", CHAT, &format!("authorization: Bearer {key}\r\n{lines}"));
        let own = format!("host: 127.0.0.1:{port}\r\n");
        assert_eq!(raw(port, with_key(&own)).await.status, 200);
        assert_eq!(raw(port, request("POST", CHAT, &own)).await.status, 401, "keys for all");
        for lines in [format!("host: evil.example:{port}\r\n"), format!("host: 0.0.0.0:{port}\r\n")] {
            let answer = raw(port, with_key(&lines)).await;
            assert_eq!(answer.status, 421, "{lines}: {answer:?}");
        }
        let foreign = format!("{own}origin: http://evil.example\r\n");
        assert_eq!(raw(port, with_key(&foreign)).await.status, 403);
    });
}
