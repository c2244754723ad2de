//! Google's: a service account's key file, and what gcloud keeps of a user.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use pointsman_gateway::control::{Command, Reply};
use serde_json::{Value, json};

use super::{SECRET, TOKENS, VERTEX, answers, asked, asks_as, at, capture, form, numbered, user};
use crate::harness::{Fake, Gateway, Options, Script, bounded};

#[test]
fn a_users_file_of_gclouds_gets_tokens() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let (gateway, key) =
            at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &user(&up))).await;
        for _ in 0..3 {
            assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
        }
        let sent = up.requests_for(VERTEX);
        let credentials: Vec<&str> = sent.iter().map(|request| request.header("authorization")).collect();
        assert_eq!(credentials, ["Bearer token-1-of-many"; 3], "one token for all of them");
        assert_eq!(sent[0].header("x-goog-user-project"), "fake-quota");
        assert!(!sent[0].has("x-goog-api-key"));
        asks_as("vertexai/token-user.json", &up, TOKENS, &["client_secret"]);
        for secret in [SECRET, "token-1-of-many", "fake-refresh"] {
            assert!(!gateway.log().contains(secret), "{secret} is in the log");
        }
    });
}

/// A service account's key file, and what proves its signature.
fn service_account(up: &Fake) -> (String, KeyPair) {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("its form");
    let body = BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("letters")).collect();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let file = json!({
        "type": "service_account", "project_id": "p", "private_key_id": "fake-key-id", "private_key": key,
        "client_email": "fake@fake-project.iam.gserviceaccount.com", "token_uri": format!("{}{TOKENS}", up.url()),
    });
    (serde_json::to_string_pretty(&file).expect("JSON"), pair)
}

/// The head and the claims of a statement whose signature is good.
fn proved(request: &[u8], pair: &KeyPair) -> (Value, Value) {
    let form = form(request);
    let (said, signature) = form["assertion"].as_str().and_then(|it| it.rsplit_once('.')).expect("a statement");
    let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(said.as_bytes(), &decoded(signature)).expect("its own signature");
    let (head, claims) = said.split_once('.').expect("two parts");
    let read = |part: &str| serde_json::from_slice(&decoded(part)).expect("JSON");
    (read(head), read(claims))
}

#[test]
fn a_service_account_states_who_it_is() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let (file, pair) = service_account(&up);
        let gateway = Gateway::start(Options::new()).await;
        // As a person pipes it in, with all its lines.
        let add = Command::AddProvider {
            provider: "vertexaianthropic".to_owned(),
            name: None,
            base_url: Some(up.url()),
            allow_private: false,
            settings: [("project".to_owned(), "p".to_owned())].into(),
            secret: Some(pointsman_gateway::control::SecretText(file)),
            variable: None,
        };
        assert!(matches!(gateway.tell(&add).await, Reply::Stored { .. }));
        gateway.until("the endpoint", |snapshot| !snapshot.endpoints.is_empty()).await;
        let key = gateway.client_key("tool").await;
        assert_eq!(asked(&gateway, &key, "vertexaianthropic:claude-x").await.0, 502, "what was answered is no message");
        let sent = up.request("/v1/projects/p/locations/global/publishers/anthropic/models/claude-x:rawPredict").await;
        assert_eq!(sent.header("authorization"), "Bearer token-1-of-many");
        let theirs = capture("vertexai/token-service-account.json");
        let (head, mut claims) = proved(&up.request(TOKENS).await.body, &pair);
        let mut wanted = theirs["body"]["form"]["assertion"].clone();
        assert_eq!(head, wanted["header"]);
        let now = std::time::UNIX_EPOCH.elapsed().expect("a time").as_secs();
        let (since, until) = (claims["iat"].as_u64().expect("a time"), claims["exp"].as_u64().expect("a time"));
        assert!(now.abs_diff(since) < 120 && until == since + 3600, "{claims}");
        for body in [&mut claims, &mut wanted["claims"]] {
            for field in ["iat", "exp", "aud"] {
                body[field] = Value::Null;
            }
        }
        assert_eq!(claims, wanted["claims"]);
        asks_as("vertexai/token-service-account.json", &up, TOKENS, &["assertion"]);
    });
}

#[test]
fn a_clock_that_is_wrong_is_corrected_by_who_makes_the_tokens() {
    bounded(async {
        let up = answers().await;
        let (file, pair) = service_account(&up);
        let pair = Arc::new(pair);
        let judge = Arc::clone(&pair);
        // A year in which this machine is not.
        let (date, there) = ("Fri, 01 Jan 2038 00:00:00 GMT", 2_145_916_800);
        up.on_with("POST", TOKENS, move |request| {
            let (_, claims) = proved(&request.body, &judge);
            let answer = if claims["iat"] == there {
                Script::json(&json!({"access_token": "in-time", "expires_in": 3600}))
            } else {
                let says = "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.";
                Script::fault(400, &json!({"error": "invalid_grant", "error_description": says}))
            };
            answer.header("date", date)
        });
        let file = file.replace('\n', " ");
        let (gateway, key) = at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &file)).await;
        assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
        assert_eq!(up.request(VERTEX).await.header("authorization"), "Bearer in-time");
        assert_eq!(up.requests_for(TOKENS).len(), 2);
    });
}

#[test]
fn what_google_keeps_on_this_machine_is_found() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("application_default_credentials.json");
        let entry = |name: &str| {
            format!(
                "[[endpoints]]\nname = \"{name}\"\nprovider = \"vertexai\"\nbase_url = \"{}\"\nsettings = {{ project = \"p\" }}",
                up.url()
            )
        };
        let options = Options::new().variable("CLOUDSDK_CONFIG", folder.path().to_str().expect("a path"));
        let gateway = Gateway::start(options.table(&entry("cloud"))).await;
        gateway.until("the endpoint", |snapshot| !snapshot.endpoints.is_empty()).await;
        let key = gateway.client_key("tool").await;
        let (status, said) = asked(&gateway, &key, "cloud:m").await;
        assert!(status == 502 && said.contains("gcloud auth application-default login"), "{status} {said}");
        std::fs::write(&file, user(&up)).expect("the file");
        let (status, said) = asked(&gateway, &key, "cloud:m").await;
        assert_eq!(status, 200, "it is looked for again at each request: {said}");
        assert_eq!(up.request(VERTEX).await.header("authorization"), "Bearer token-1-of-many");
    });
}

/// The account's file, and where its tokens are made.
async fn with_file(up: &Fake, file: &Value, options: Options) -> (Gateway, String) {
    at(up, "vertexai", "project = \"p\"", options.variable("ACCOUNT", &file.to_string())).await
}

/// What Google's own tools keep of an identity that Google does not know itself.
fn federated(up: &Fake, source: &Value) -> Value {
    json!({
        "type": "external_account", "token_url": format!("{}{TOKENS}", up.url()), "credential_source": source,
        "audience": "//iam.googleapis.com/locations/global/workforcePools/fake-pool/providers/fake-provider",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    })
}

#[test]
fn a_user_of_a_companys_directory_gets_tokens() {
    bounded(async {
        let up = answers().await;
        numbered(&up, "/v1/oauthtoken", 3600);
        let file = json!({
            "type": "external_account_authorized_user", "client_id": "fake-client", "client_secret": "fake-secret",
            "refresh_token": "fake-refresh", "token_url": format!("{}/v1/oauthtoken", up.url()),
            "audience": "//iam.googleapis.com/x", "quota_project_id": "fake-quota",
        });
        let (gateway, key) = with_file(&up, &file, Options::new()).await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert_eq!(status, 200, "{said}");
        let sent = up.request(VERTEX).await;
        assert_eq!(sent.header("authorization"), "Bearer token-1-of-many");
        assert_eq!(sent.header("x-goog-user-project"), "fake-quota");
        asks_as("vertexai/token-foreign-user.json", &up, "/v1/oauthtoken", &[]);
    });
}

#[test]
fn somebody_elses_token_is_given_for_one_of_googles() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let folder = tempfile::tempdir().expect("a folder");
        let theirs = folder.path().join("subject");
        let file = federated(&up, &json!({"file": theirs}));
        let (gateway, key) = with_file(&up, &file, Options::new()).await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 502 && said.contains("subject") && said.contains("cannot be read"), "{status} {said}");
        std::fs::write(&theirs, "fake-subject-token").expect("the file");
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert_eq!(status, 200, "{said}");
        assert_eq!(up.request(VERTEX).await.header("authorization"), "Bearer token-1-of-many");
        asks_as("vertexai/token-federated.json", &up, TOKENS, &[]);
    });
}

#[test]
fn somebody_elses_token_is_asked_for_where_the_file_says() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let theirs = "an-id-token-of-somebody-elses";
        up.on("GET", "/subject", Script::json(&json!({"value": theirs})));
        let source = json!({
            "url": format!("{}/subject", up.url()), "headers": {"metadata": "True"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        });
        let mut file = federated(&up, &source);
        file["workforce_pool_user_project"] = json!("fake-project");
        let (gateway, key) = with_file(&up, &file, Options::new()).await;
        assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
        assert_eq!(up.request("/subject").await.header("metadata"), "True");
        let form = form(&up.request(TOKENS).await.body);
        assert_eq!(
            (&form["subject_token"], &form["options"]),
            (&json!(theirs), &json!(r#"{"userProject":"fake-project"}"#))
        );

        // One that its maker refuses is not repeated.
        let says = json!({"error": "invalid_grant", "error_description": format!("{theirs} is none of ours")});
        let up = answers().await;
        up.on("GET", "/subject", Script::json(&json!({"value": theirs})));
        up.on("POST", TOKENS, Script::fault(400, &says));
        let source = json!({"url": format!("{}/subject", up.url()),
            "format": {"type": "json", "subject_token_field_name": "value"}});
        let (gateway, key) = with_file(&up, &federated(&up, &source), Options::new()).await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 502 && said.contains("is none of ours") && !said.contains(theirs), "{status} {said}");
        assert!(!gateway.log().contains(theirs), "it is in the log");
    });
}

#[cfg(unix)]
#[test]
fn a_program_that_prints_somebody_elses_token_is_run_where_the_user_said_so() {
    use std::os::unix::fs::PermissionsExt as _;

    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let account = "/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken";
        let made = json!({"accessToken": "a-token-of-the-account", "expireTime": "2099-01-01T00:00:00Z"});
        up.on("POST", account, Script::json(&made));
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("prints");
        let text = "#!/bin/sh\nprintf '{\"version\":1,\"success\":true,\"token_type\":\"t\",\"id_token\":\"%s for %s\"}' \
                    \"$1\" \"$GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL\"\n";
        std::fs::write(&program, text).expect("the program");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        let source = json!({"executable": {"command": format!("{} 'a word'", program.display())}});
        let mut file = federated(&up, &source);
        file["service_account_impersonation_url"] = json!(format!("{}{account}", up.url()));
        file["service_account_impersonation"] = json!({"token_lifetime_seconds": 600});

        let (gateway, key) = with_file(&up, &file, Options::new()).await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 502 && said.contains("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES is 1"), "{status} {said}");
        assert!(up.requests_for(TOKENS).is_empty());

        let allowed = Options::new().variable("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
        let (gateway, key) = with_file(&up, &file, allowed).await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert_eq!(status, 200, "{said}");
        let form = form(&up.request(TOKENS).await.body);
        assert_eq!(form["subject_token"], "a word for a@b.iam.gserviceaccount.com");
        assert_eq!(up.request(account).await.json()["lifetime"], "600s");
        assert_eq!(up.request(VERTEX).await.header("authorization"), "Bearer a-token-of-the-account");
    });
}

#[test]
fn a_user_speaks_for_a_service_account() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let account = "/v1/projects/-/serviceAccounts/fake@fake-project.iam.gserviceaccount.com:generateAccessToken";
        let made = json!({"accessToken": "a-token-of-the-account", "expireTime": "2099-01-01T00:00:00Z"});
        up.on("POST", account, Script::json(&made));
        let own: Value = serde_json::from_str(&user(&up)).expect("JSON");
        let file = json!({
            "type": "impersonated_service_account", "delegates": ["fake-delegate"], "source_credentials": own,
            "service_account_impersonation_url": format!("{}{account}", up.url()),
        });
        let (gateway, key) = with_file(&up, &file, Options::new()).await;
        for _ in 0..2 {
            let (status, said) = asked(&gateway, &key, "vertexai:m").await;
            assert_eq!(status, 200, "{said}");
        }
        let sent = up.request(VERTEX).await;
        assert_eq!(sent.header("authorization"), "Bearer a-token-of-the-account");
        assert!(!sent.has("x-goog-user-project"), "the user's own project pays for the user's own requests");
        let asked = up.requests_for(account);
        let theirs = capture("vertexai/token-impersonated.json");
        assert_eq!(asked.len(), 1, "one token for both");
        assert!(theirs["url"].as_str().is_some_and(|url| url.ends_with(account)), "{theirs}");
        assert_eq!(asked[0].json(), theirs["body"]);
        assert_eq!(asked[0].header("authorization"), "Bearer token-1-of-many");
        for secret in [SECRET, "a-token-of-the-account", "token-1-of-many"] {
            assert!(!gateway.log().contains(secret), "{secret} is in the log");
        }
    });
}
