//! AWS's: what a profile says to do for its keys is done, and what comes of it signs requests.
//!
//! The sign-on's two services, the token service and the provider are one scripted upstream, which the variables of AWS's
//! own tools point at.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Value, json};

use super::{SECRET, answers, asked, form};
use crate::harness::aws::{self, signed};
use crate::harness::fake::Recorded;
use crate::harness::{Fake, Gateway, Options, Script, bounded};

pub(super) const MODEL: &str = "/endpoints/m/invocations";
const ROLES: &str = "/federation/credentials";
const RENEWAL: &str = "/token";
/// AWS's token service is asked at its root.
const STS: &str = "/";
/// `printf my-sso | sha1sum`
const LEFT: &str = "home/.aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json";

/// A moment so many seconds from now, as AWS writes it.
pub(super) fn in_seconds(seconds: i64) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a time").as_secs();
    let at = now.saturating_add_signed(seconds);
    DateTime::from_secs(i64::try_from(at).expect("a time")).fmt(Format::DateTime).expect("a time")
}

/// A gateway whose account takes its keys from the profile `work` of this file.
async fn with(up: &Fake, config: &str, options: Options) -> (Gateway, String) {
    let (gateway, key) = over(up, "region = \"eu-west-1\", profile = \"work\"", options).await;
    write(&gateway, "home/.aws/config", config);
    (gateway, key)
}

/// A gateway with an account of these settings and no key, whose services are here.
pub(super) async fn over(up: &Fake, settings: &str, options: Options) -> (Gateway, String) {
    let services = ["STS", "SSO", "SSO_OIDC"].map(|id| format!("AWS_ENDPOINT_URL_{id}"));
    let here = services.iter().fold(options, |options, name| options.variable(name, &up.url()));
    started(here.table(&entry(up, "sagemaker", settings))).await
}

/// An account with no key.
pub(super) fn entry(up: &Fake, provider: &str, settings: &str) -> String {
    let url = up.url();
    format!("[[endpoints]]\nprovider = \"{provider}\"\nbase_url = \"{url}\"\nsettings = {{ {settings} }}")
}

/// A gateway that knows its account, and a client key.
pub(super) async fn started(options: Options) -> (Gateway, String) {
    let gateway = Gateway::start(options).await;
    gateway.until("the endpoint", |snapshot| !snapshot.endpoints.is_empty()).await;
    let key = gateway.client_key("tool").await;
    (gateway, key)
}

pub(super) fn write(gateway: &Gateway, path: &str, text: &str) -> PathBuf {
    let file = gateway.root().join(path);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    std::fs::write(&file, text).expect("a file");
    file
}

/// The session of the last request for the model, whose signature is good.
#[track_caller]
pub(super) fn session(up: &Fake) -> String {
    let request = up.requests_for(MODEL).pop().expect("a request for the model");
    signed(&request).expect("a good signature");
    request.header("x-amz-security-token").to_owned()
}

/// The signer of the tests' keys, by whatever name.
pub(super) fn keys(nth: u32) -> [String; 3] {
    [aws::ID.to_owned(), aws::SECRET.to_owned(), format!("session-{nth}-of-many")]
}

const SIGN_ON: &str = "[profile work]\nsso_session = my-sso\nsso_account_id = 123456789012\nsso_role_name = dev\n\
    [sso-session my-sso]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n";

/// Keys of a role for who signed on, numbered, and good for so many seconds.
fn gives_roles(up: &Fake, life: i64) {
    let made = AtomicU32::new(0);
    up.on_with("GET", ROLES, move |_| {
        let [id, secret, session] = keys(made.fetch_add(1, Ordering::Relaxed) + 1);
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("a time").as_millis();
        let until = i64::try_from(now).expect("a time") + life * 1000;
        Script::json(&json!({"roleCredentials": {
            "accessKeyId": id, "secretAccessKey": secret, "sessionToken": session, "expiration": until}}))
    });
}

/// What `aws sso login` leaves.
fn left(access: &str, good: i64, renewable: bool) -> String {
    let mut left = json!({"startUrl": "https://x.awsapps.com/start", "region": "eu-west-1",
        "accessToken": access, "expiresAt": in_seconds(good)});
    if renewable {
        left["clientId"] = "fake-client".into();
        left["clientSecret"] = SECRET.into();
        left["refreshToken"] = "refresh-1-of-many".into();
        left["registrationExpiresAt"] = in_seconds(86_400).into();
    }
    left.to_string()
}

#[test]
fn who_signed_on_has_the_keys_of_a_role() {
    bounded(async {
        let up = answers().await;
        gives_roles(&up, 3600);
        let (gateway, key) = with(&up, SIGN_ON, Options::new()).await;
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(status == 502 && said.contains("nobody has signed on for the profile `work`"), "{status} {said}");
        assert!(said.contains("aws sso login --profile work"), "{said}");
        write(&gateway, LEFT, &left("access-1-of-many", 7200, false));
        for _ in 0..3 {
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert_eq!(status, 200, "it is looked for again at each request: {said}");
            assert_eq!(session(&up), "session-1-of-many", "one set of keys for all of them");
        }
        let request = up.request(ROLES).await;
        assert_eq!(request.header("x-amz-sso_bearer_token"), "access-1-of-many");
        assert_eq!(request.target, format!("{ROLES}?role_name=dev&account_id=123456789012"));
        // A profile that was edited means another role at once.
        write(&gateway, "home/.aws/config", &SIGN_ON.replace("= dev", "= admin"));
        assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200);
        assert_eq!(session(&up), "session-2-of-many");
        for secret in [aws::SECRET, "session-1-of-many", "access-1-of-many"] {
            assert!(!gateway.log().contains(secret), "{secret} is in the log");
        }
    });
}

#[test]
fn keys_that_ran_out_or_were_taken_back_are_fetched_anew() {
    bounded(async {
        let up = answers().await;
        gives_roles(&up, -5);
        let (gateway, key) = with(&up, SIGN_ON, Options::new()).await;
        write(&gateway, LEFT, &left("access-1-of-many", 7200, false));
        for nth in 1..3 {
            assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200);
            assert_eq!(session(&up), format!("session-{nth}-of-many"), "they had run out");
        }
        gives_roles(&up, 3600);
        assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200);
        up.on_with("POST", MODEL, |request| match request.header("x-amz-security-token") {
            "session-1-of-many" => {
                let told = json!({"message": "The security token included in the request is expired"});
                Script::fault(403, &told).header("x-amzn-errortype", "ExpiredTokenException")
            }
            _ => Script::json(&super::said()),
        });
        assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200, "the tool hears nothing of it");
        assert_eq!(session(&up), "session-2-of-many");
        // What the keys may not do is no matter of theirs.
        let told = json!({"message": format!("not with {} in session-2-of-many", aws::SECRET)});
        up.on("POST", MODEL, Script::fault(403, &told).header("x-amzn-errortype", "AccessDeniedException"));
        let before = up.requests_for(ROLES).len();
        let (_, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(!said.contains(aws::SECRET) && !said.contains("session-2-of-many"), "{said}");
        assert_eq!(up.requests_for(ROLES).len(), before);
    });
}

#[test]
fn a_sign_on_is_renewed_and_kept_where_awss_tools_find_it() {
    bounded(async {
        let up = answers().await;
        gives_roles(&up, -5);
        let renewed = json!({"accessToken": "access-2-of-many", "expiresIn": 3600, "tokenType": "Bearer",
            "refreshToken": "refresh-2-of-many"});
        up.on("POST", RENEWAL, Script::json(&renewed));
        let (gateway, key) = with(&up, SIGN_ON, Options::new()).await;
        let file = write(&gateway, LEFT, &left("access-1-of-many", -60, true));
        for _ in 0..2 {
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert_eq!(status, 200, "{said}");
        }
        let renewals = up.requests_for(RENEWAL);
        assert_eq!(renewals.len(), 1, "the new one is good for a while");
        let wanted = json!({"clientId": "fake-client", "clientSecret": SECRET, "grantType": "refresh_token",
            "refreshToken": "refresh-1-of-many"});
        assert_eq!(renewals[0].json(), wanted);
        assert_eq!(up.requests_for(ROLES)[0].header("x-amz-sso_bearer_token"), "access-2-of-many");
        let kept: Value = serde_json::from_slice(&std::fs::read(&file).expect("the file")).expect("JSON");
        assert_eq!(kept["accessToken"], "access-2-of-many");
        assert_eq!(kept["refreshToken"], "refresh-2-of-many", "each is taken once");
        assert!(kept["expiresAt"].as_str() > Some(&*in_seconds(3000)), "{kept}");
        assert_eq!((&kept["clientId"], &kept["region"]), (&json!("fake-client"), &json!("eu-west-1")));
    });
}

#[test]
fn a_sign_on_that_is_over_says_how_to_sign_on() {
    bounded(async {
        let up = answers().await;
        gives_roles(&up, 3600);
        let told = json!({"error": "invalid_grant", "error_description": format!("Invalid refresh token, {SECRET}")});
        up.on("POST", RENEWAL, Script::fault(400, &told));
        let (gateway, key) = with(&up, SIGN_ON, Options::new()).await;
        let over = "the sign-on of the profile `work` has run out: run `aws sso login --profile work`";
        let check = async |text: &str, expected: &str, why: &str| {
            write(&gateway, LEFT, text);
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert!(status == 502 && said.contains(expected), "{why}: {status} {said}");
            assert!(!said.contains(SECRET), "{why}: {said}");
        };
        check(&left("access-1-of-many", -60, false), over, "there is nothing to renew it with").await;
        check(&left("access-1-of-many", -60, true), over, "the renewal is refused").await;
        check("{", over, "what stands there is no sign-on").await;
        assert!(up.requests_for(ROLES).is_empty());
        up.on("GET", ROLES, Script::fault(401, &json!({"message": "Session token not found or invalid"})));
        check(&left("access-1-of-many", 7200, true), over, "the service ended it").await;
        up.on("GET", ROLES, Script::fault(403, &json!({"message": "No access to access-1-of-many"})));
        let refused = "refuses a token (403): No access to [redacted]";
        check(&left("access-1-of-many", 7200, true), refused, "the role is not the user's").await;
        up.on("POST", RENEWAL, Script::fault(500, &json!({})));
        check(&left("access-1-of-many", -60, true), "gives no token: it answered 500", "it may be good yet").await;
        assert!(up.requests_for(MODEL).is_empty(), "nothing is asked without keys");
    });
}

const ROLE: &str = "[profile work]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nexternal_id = x\n\
    [profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n";

/// What AWS's token service answers.
pub(super) fn assumed(action: &str, nth: u32, good: i64) -> Script {
    let [id, secret, session] = keys(nth);
    Script::whole(
        200,
        "text/xml",
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n<{action}Result>\n\
             <AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser>\n<Credentials>\n<AccessKeyId>{id}</AccessKeyId>\n\
             <SecretAccessKey>{secret}</SecretAccessKey>\n<SessionToken>{session}</SessionToken>\n\
             <Expiration>{}</Expiration>\n</Credentials>\n</{action}Result>\n</{action}Response>\n",
            in_seconds(good)
        ),
    )
}

#[test]
fn a_role_is_taken_with_the_keys_of_another_profile() {
    bounded(async {
        let up = answers().await;
        let made = AtomicU32::new(0);
        // The first runs out at once.
        up.on_with("POST", STS, move |_| match made.fetch_add(1, Ordering::Relaxed) {
            0 => assumed("AssumeRole", 1, 0),
            nth => assumed("AssumeRole", nth + 1, 3600),
        });
        let (gateway, key) = with(&up, ROLE, Options::new()).await;
        for nth in [1, 2, 2] {
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert_eq!(status, 200, "{said}");
            assert_eq!(session(&up), format!("session-{nth}-of-many"));
        }
        let request = up.request(STS).await;
        assert_eq!(signed(&request).as_deref(), Ok("eu-west-1/sts content-type;host;x-amz-date"));
        let wanted = json!({"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/r",
            "RoleSessionName": "pointsman", "ExternalId": "x"});
        assert_eq!(form(&request.body), wanted);
    });
}

#[test]
fn a_role_that_is_refused_is_told_without_the_keys() {
    bounded(async {
        let up = answers().await;
        let told = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User &quot;u&quot; may not take \
             it with {}</Message></Error></ErrorResponse>",
            aws::SECRET
        );
        up.on("POST", STS, Script::whole(403, "text/xml", told));
        let (gateway, key) = with(&up, ROLE, Options::new()).await;
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        let wanted = "refuses a token (403): User \\\"u\\\" may not take it with [redacted]";
        assert!(status == 502 && said.contains(wanted), "{status} {said}");
        assert!(up.requests_for(MODEL).is_empty(), "nothing is asked without keys");
        assert_eq!(up.requests_for(STS).len(), 1);
    });
}

#[test]
fn a_wrong_clock_is_corrected_by_the_token_service() {
    bounded(async {
        let up = answers().await;
        up.on_with("POST", STS, |request: &Recorded| {
            let answer = if request.header("x-amz-date").starts_with("20380101T0000") {
                assumed("AssumeRole", 1, 3600)
            } else {
                let told = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>";
                Script::whole(403, "text/xml", told)
            };
            answer.header("date", "Fri, 01 Jan 2038 00:00:00 GMT")
        });
        let (gateway, key) = with(&up, ROLE, Options::new()).await;
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert_eq!(status, 200, "{said}");
        let requests = up.requests_for(STS);
        assert_eq!(requests.len(), 2);
        signed(&requests[1]).expect("a good signature");
    });
}

#[test]
fn a_token_in_a_file_takes_a_role() {
    bounded(async {
        let up = answers().await;
        up.on("POST", STS, assumed("AssumeRoleWithWebIdentity", 1, 0));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        std::fs::write(&file, "eyJ.fake.token-1\n").expect("a file");
        let options = Options::new()
            .variable("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod")
            .variable("AWS_ROLE_SESSION_NAME", "of-pod")
            .variable("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().expect("a path"));
        let (gateway, key) = over(&up, "region = \"eu-west-1\"", options).await;
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert_eq!(status, 200, "{said}");
        assert_eq!(session(&up), "session-1-of-many");
        let request = up.request(STS).await;
        assert!(!request.has("authorization"), "the token is all that proves it");
        let wanted = json!({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
            "RoleArn": "arn:aws:iam::1:role/pod", "RoleSessionName": "of-pod", "WebIdentityToken": "eyJ.fake.token-1"});
        assert_eq!(form(&request.body), wanted);
        std::fs::write(&file, "eyJ.fake.token-2\n").expect("a file");
        assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200);
        let newer = form(&up.requests_for(STS)[1].body);
        assert_eq!(newer["WebIdentityToken"], "eyJ.fake.token-2", "whoever wrote it renews it");
        up.on_with("POST", STS, |request| {
            let token = form(&request.body)["WebIdentityToken"].as_str().unwrap_or_default().to_owned();
            let told = format!("<ErrorResponse><Error><Message>Expired: {token}</Message></Error></ErrorResponse>");
            Script::whole(400, "text/xml", told)
        });
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(status == 502 && said.contains("refuses a token (400): Expired: [redacted]"), "{status} {said}");
        std::fs::remove_file(&file).expect("a file");
        let (_, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(said.contains("its web identity token") && said.contains("cannot be read"), "{said}");
    });
}

#[test]
fn a_program_prints_the_keys() {
    bounded(async {
        let up = answers().await;
        let config = "[profile work]\ncredential_process = /bin/sh \"keys of mine.sh\" \"a b\"\n";
        let (gateway, key) = with(&up, config, Options::new().variable("OF_MINE", "seen")).await;
        let prints = |until: &str, end: &str| {
            let [id, secret, _] = keys(1);
            let told = json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret, "Expiration": until,
                "SessionToken": "$1, $OF_MINE"});
            let told = told.to_string().replace('"', "\\\"");
            // Its own words, which nobody repeats, and a mark for each time that it runs.
            let text = format!("echo {SECRET} >&2\necho x >> runs\necho \"{told}\"\n{end}\n");
            write(&gateway, "keys of mine.sh", &text);
        };
        let runs = || std::fs::read_to_string(gateway.root().join("runs")).map_or(0, |text| text.lines().count());
        prints(&in_seconds(-5), "");
        for nth in 1..3 {
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert_eq!(status, 200, "{said}");
            assert_eq!(session(&up), "a b, seen");
            assert_eq!(runs(), nth, "what it printed had run out");
        }
        prints(&in_seconds(3600), "exit 3");
        let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(status == 502 && said.contains("of the profile `work` failed (exit status: 3)"), "{status} {said}");
        assert!(!said.contains(SECRET) && !gateway.log().contains(SECRET), "{said}");
        prints("soon", "");
        let (_, said) = asked(&gateway, &key, "sagemaker:m").await;
        assert!(said.contains("prints no keys as AWS wants them"), "{said}");
        prints(&in_seconds(3600), "");
        let before = runs();
        for _ in 0..3 {
            assert_eq!(asked(&gateway, &key, "sagemaker:m").await.0, 200);
        }
        assert_eq!(runs(), before + 1, "it runs once for all of them");
        for (line, expected) in [("/nowhere/keys", "cannot be run"), ("sh 'a", "a quote in it has no end")] {
            write(&gateway, "home/.aws/config", &format!("[profile work]\ncredential_process = {line}\n"));
            let (_, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert!(said.contains(expected), "{line}: {said}");
        }
    });
}

#[test]
fn local_only_mode_fetches_no_keys() {
    bounded(async {
        let up = answers().await;
        // AWS's own addresses, which are not here.
        let entry = entry(&up, "sagemaker", "region = \"eu-west-1\", profile = \"work\"");
        let (gateway, key) = started(Options::new().top("local_only = true").table(&entry)).await;
        write(&gateway, LEFT, &left("access-1-of-many", 7200, false));
        let program = "[profile work]\ncredential_process = /bin/sh -c \"echo x > ran\"\n";
        for config in [SIGN_ON, ROLE, program] {
            write(&gateway, "home/.aws/config", config);
            let (status, said) = asked(&gateway, &key, "sagemaker:m").await;
            assert!(status == 403 && said.contains("local-only"), "{status} {said}");
        }
        assert!(!gateway.root().join("ran").exists(), "nobody knows where a program goes");
        assert!(up.requests_for(MODEL).is_empty());
    });
}
