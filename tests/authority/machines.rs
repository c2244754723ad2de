//! Metadata servers: asked where an account's settings say so, and never otherwise.
//!
//! Each cloud's own variable leads to the scripted one; the real addresses are in nobody's reach here.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::aws::{MODEL, assumed, entry, in_seconds, keys, over, session, started, write};
use super::{SECRET, TOKENS, VERTEX, answers, asked, form, numbered, numbered_at, user};
use crate::harness::aws::signed;
use crate::harness::{Fake, Gateway, Options, Script, bounded};

const INSTANCE_TOKEN: &str = "/latest/api/token";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const ROLE: &str = "/latest/meta-data/iam/security-credentials/of-laptop";
const GOOGLE: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// An instance of EC2 that has a role, whose keys are numbered and good for so many seconds.
async fn instance(good: i64) -> Fake {
    let up = answers().await;
    up.on("PUT", INSTANCE_TOKEN, Script::text(200, SECRET));
    up.on("GET", ROLES, Script::text(200, "of-laptop"));
    let made = AtomicU32::new(0);
    up.on_with("GET", ROLE, move |_| given(made.fetch_add(1, Ordering::Relaxed) + 1, good));
    up
}

fn given(nth: u32, good: i64) -> Script {
    let [id, secret, session] = keys(nth);
    Script::json(&json!({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": in_seconds(0), "AccessKeyId": id,
        "SecretAccessKey": secret, "Token": session, "Expiration": in_seconds(good)}))
}

async fn on_instance(up: &Fake, settings: &str) -> (Gateway, String) {
    let options = Options::new().variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", &up.url());
    over(up, &format!("region = \"eu-west-1\"{settings}"), options).await
}

#[test]
fn an_instance_is_asked_only_where_the_settings_say_so() {
    bounded(async {
        let up = instance(3600).await;
        let (gateway, key) = on_instance(&up, "").await;
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(status == 502 && said.contains("there is no profile `default` with keys"), "{status} {said}");
        write(&gateway, "home/.aws/config", "[default]\nrole_arn = arn:r\ncredential_source = Ec2InstanceMetadata\n");
        let (_, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(said.contains("asked only where the account says `metadata = \\\"ec2\\\"`"), "{said}");
        assert!(up.requests().is_empty(), "nobody is asked");

        let (gateway, key) = on_instance(&up, ", metadata = \"ec2\"").await;
        for _ in 0..2 {
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert_eq!(status, 200, "{said}");
            assert_eq!(session(&up), "session-1-of-many", "one set of keys for all of them");
        }
        assert_eq!(up.request(INSTANCE_TOKEN).await.header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
        for path in [ROLES, ROLE] {
            assert_eq!(up.request(path).await.header("x-aws-ec2-metadata-token"), SECRET);
        }
        assert!(!gateway.log().contains(SECRET));
    });
}

#[test]
fn an_instances_keys_run_out_and_may_be_refused() {
    bounded(async {
        let up = instance(-5).await;
        let (gateway, key) = on_instance(&up, ", metadata = \"ec2\"").await;
        for nth in 1..3 {
            assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200);
            assert_eq!(session(&up), format!("session-{nth}-of-many"), "they had run out");
        }
        let before = up.requests_for(MODEL).len();
        for (path, answer, expected) in [
            (ROLE, Script::fault(403, &json!({"message": format!("not by {SECRET}")})), "(403): not by [redacted]"),
            (ROLE, Script::json(&json!({"Code": "Failed", "Message": SECRET})), "its answer holds none"),
            (ROLES, Script::text(404, ""), "refuses a token (404)"),
            (ROLES, Script::text(200, "../../x"), "its machine has no role"),
        ] {
            up.on("GET", path, answer);
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert!(status == 502 && said.contains(expected) && !said.contains(SECRET), "{status} {said}");
        }
        up.on("PUT", INSTANCE_TOKEN, Script::fault(403, &json!({})));
        let (_, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(said.contains("refuses a token (403)"), "the first version of its protocol is never asked: {said}");
        assert_eq!(up.requests_for(MODEL).len(), before, "nothing is asked without keys");
    });
}

#[test]
fn an_instances_clock_is_right_where_ours_is_not() {
    bounded(async {
        let up = instance(3600).await;
        // Keys of a day on which this machine is not: by its own clock they would be good for years.
        let date = "Fri, 01 Jan 2038 00:00:00 GMT";
        let made = AtomicU32::new(0);
        up.on_with("GET", ROLE, move |_| {
            let [id, secret, session] = keys(made.fetch_add(1, Ordering::Relaxed) + 1);
            let told = json!({"AccessKeyId": id, "SecretAccessKey": secret, "Token": session,
                "Expiration": "2037-12-31T23:59:55Z"});
            Script::json(&told).header("date", date)
        });
        let (gateway, key) = on_instance(&up, ", metadata = \"ec2\"").await;
        for nth in 1..3 {
            assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200);
            assert_eq!(session(&up), format!("session-{nth}-of-many"), "they had run out");
        }
    });
}

#[test]
fn a_role_is_taken_with_the_keys_of_an_instance() {
    bounded(async {
        let up = instance(3600).await;
        up.on("POST", "/", assumed("AssumeRole", 7, 3600));
        let (gateway, key) = on_instance(&up, ", profile = \"work\", metadata = \"ec2\"").await;
        let config = "[profile work]\nrole_arn = arn:r\ncredential_source = Ec2InstanceMetadata\n";
        write(&gateway, "home/.aws/config", config);
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert_eq!(status, 200, "{said}");
        assert_eq!(session(&up), "session-7-of-many");
        let request = up.request("/").await;
        assert_eq!(request.header("x-amz-security-token"), "session-1-of-many");
        signed(&request).expect("a good signature");
        assert_eq!(form(&request.body)["RoleArn"], "arn:r");
    });
}

#[test]
fn a_container_is_asked_at_the_address_of_its_variables() {
    bounded(async {
        let up = answers().await;
        up.on("GET", "/keys", given(1, -5));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        std::fs::write(&file, "of-pod-1-of-many\n").expect("a file");
        let ask = async |url: &str, settings: &str| {
            let options = Options::new()
                .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
                .variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.to_str().expect("a path"));
            let (gateway, key) = over(&up, &format!("region = \"eu-west-1\"{settings}"), options).await;
            asked(&gateway, &key, "sagemaker:m").await
        };
        let here = format!("{}/keys", up.url());
        let permitted = ", metadata = \"container\"";
        let (status, said) = ask(&here, "").await;
        assert!(status == 502 && up.requests().is_empty(), "the variables alone are no permission: {said}");
        let (status, said) = ask(&here, permitted).await;
        assert_eq!(status, 200, "{said}");
        assert_eq!(session(&up), "session-1-of-many");
        assert_eq!(up.request("/keys").await.header("authorization"), "of-pod-1-of-many");
        std::fs::write(&file, "of-pod-2-of-many\n").expect("a file");
        assert_eq!(ask(&here, permitted).await.0, 200);
        assert_eq!(up.requests_for("/keys")[1].header("authorization"), "of-pod-2-of-many");
        up.on("GET", "/keys", Script::fault(400, &json!({"code": "x", "message": "not of-pod-2-of-many"})));
        let (_, said) = ask(&here, permitted).await;
        assert!(said.contains("refuses a token (400): not [redacted]"), "{said}");
        for elsewhere in ["http://10.0.0.1/keys", "http://169.254.1.1/keys", "http://metadata.example/keys"] {
            let (status, said) = ask(elsewhere, permitted).await;
            let wanted = "it is no metadata server of a cloud's";
            assert!(status == 502 && said.contains(wanted), "{elsewhere}: {status} {said}");
        }
    });
}

#[test]
fn a_machine_of_googles_is_asked_only_where_the_settings_say_so() {
    bounded(async {
        let up = answers().await;
        numbered_at(&up, "GET", GOOGLE, 0);
        let host = up.url().replace("http://", "");
        let start = async |settings: &str| {
            let entry = entry(&up, "vertexai", &format!("project = \"p\"{settings}"));
            started(Options::new().variable("GCE_METADATA_HOST", &host).table(&entry)).await
        };
        let (gateway, key) = start("").await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 502 && said.contains("gcloud auth application-default login"), "{status} {said}");
        assert!(up.requests().is_empty(), "nobody is asked");

        let (gateway, key) = start(", metadata = \"on\"").await;
        for nth in 0..2 {
            let (status, said) = asked(&gateway, &key, "vertexai:m").await;
            assert_eq!(status, 200, "{said}");
            let sent = up.nth_request(VERTEX, nth).await;
            let wanted = format!("Bearer token-{}-of-many", nth + 1);
            assert_eq!(sent.header("authorization"), wanted, "each had run out");
        }
        let request = up.request(GOOGLE).await;
        assert_eq!(request.header("metadata-flavor"), "Google");
        assert!(request.target.contains("?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"));
        up.on("GET", GOOGLE, Script::text(404, "no service account"));
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 502 && said.contains("refuses a token (404)"), "{status} {said}");
        // What a person keeps on the machine comes first.
        let file = "home/.config/gcloud/application_default_credentials.json";
        write(&gateway, file, &user(&up));
        numbered(&up, TOKENS, 0);
        assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
        assert_eq!(up.requests_for(GOOGLE).len(), 3);
    });
}

#[test]
fn local_only_mode_asks_no_machine() {
    bounded(async {
        let up = answers().await;
        for (provider, settings) in [
            ("sagemaker", "region = \"eu-west-1\", metadata = \"ec2\""),
            ("vertexai", "project = \"p\", metadata = \"on\""),
        ] {
            let options = Options::new().top("local_only = true").table(&entry(&up, provider, settings));
            let (gateway, key) = started(options).await;
            let (status, said) = asked(&gateway, &key, &format!("{provider}:m")).await;
            assert!(status == 403 && said.contains("local-only"), "{status} {said}");
        }
        assert!(up.requests().is_empty());
    });
}
